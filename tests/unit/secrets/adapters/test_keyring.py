"""The keyring keeps the store's key under the root key or a passphrase."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest
from leger_secrets.adapters import keyring_file
from leger_secrets.adapters.keyring import Keyring
from leger_secrets.domain.sealing import Unlock
from leger_secrets.domain.sealing_errors import (
    PassphraseNeeded,
    PassphraseWrong,
    StoreDamaged,
    StoreKeyMissing,
    StoreKeyWrong,
)

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)
ROOT_KEY = bytes(range(32))
PASSPHRASE = b"correct horse battery staple"


def root_key() -> bytearray:
    return bytearray(ROOT_KEY)


def no_root_key() -> bytearray:
    raise StoreKeyMissing("What.", why="Why.", next_step="Next.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def create(path: Path) -> Keyring:
    return Keyring.create(path=path, root_key=root_key, now=NOW)


def opened(path: Path, passphrase: bytes = b"") -> Keyring:
    return Keyring.open(path=path, root_key=root_key, passphrase=passphrase)


def keys_of(keyring: Keyring) -> list[bytes]:
    with keyring.keys() as keys:
        return [bytes(key.key) for key in keys]


def test_a_new_keyring_has_one_key_and_only_its_owner_reads_it(path: Path) -> None:
    keyring = create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyring.unlock is Unlock.ROOT_KEY
    assert len(keys_of(keyring)) == 1
    assert len(keys_of(keyring)[0]) == 32
    assert keys_of(opened(path)) == keys_of(keyring)


def test_nothing_secret_is_in_the_file_or_in_a_repr(path: Path) -> None:
    keyring = create(path)
    content = path.read_text()
    with keyring.keys() as [key]:
        for secret in (bytes(key.key), ROOT_KEY):
            assert secret.hex() not in content
        assert bytes(key.key).hex() not in repr(key)
        assert str(bytes(key.key)) not in repr(key)
    assert "AGE-SECRET-KEY" not in content


def test_handed_out_keys_are_wiped(path: Path) -> None:
    with create(path).keys() as keys:
        handed_out = keys[0].key
    assert handed_out == bytes(32)


def test_the_identity_opens_what_is_encrypted_for_the_recipient(path: Path) -> None:
    keyring = create(path)
    recipient = pyrage.x25519.Recipient.from_str(keyring.recipient)
    identity = pyrage.x25519.Identity.from_str(opened(path).identity().decode())
    assert pyrage.decrypt(pyrage.encrypt(b"value", [recipient]), [identity]) == b"value"


def test_another_root_key_is_told_from_a_damaged_file(path: Path) -> None:
    create(path)
    with pytest.raises(StoreKeyWrong):
        Keyring.open(path=path, root_key=lambda: bytearray(32), passphrase=b"")


def test_every_flipped_byte_is_noticed(path: Path) -> None:
    create(path)
    whole = path.read_bytes()
    for offset in range(len(whole)):
        content = bytearray(whole)
        content[offset] ^= 1 << offset % 8
        path.write_bytes(content)
        with pytest.raises(StoreDamaged) as caught:
            opened(path)
        assert str(path) in caught.value.what
        assert keyring_file.unlock_of(path) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"[]", b'{"keys": 1}', b"\xff" * 50])
def test_what_is_no_keyring_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreDamaged):
        opened(path)


def test_a_forged_cost_is_not_paid(path: Path) -> None:
    """Whoever changes the file can mend the checksum: no gigabytes are taken for it."""
    locked(create(path))
    described = json.loads(path.read_text())
    described["argon2id"]["memory_kib"] = 64 * 1024 * 1024
    path.write_text(json.dumps(described))
    with pytest.raises(StoreDamaged):
        opened(path, PASSPHRASE)


def test_a_key_does_not_open_in_the_place_of_another(path: Path) -> None:
    keyring = create(path)
    keyring.add_key(LATER)
    content = keyring_file.read(path)
    first, second = content.entries
    forged = keyring_file.Entry(id=first.id, created=first.created, wrapped=second.wrapped)
    keyring_file.write(
        path,
        keyring_file.Content(
            derivation=content.derivation,
            recipient=content.recipient,
            identity=content.identity,
            entries=(forged,),
        ),
    )
    with pytest.raises(StoreKeyWrong):
        opened(path)


def test_a_second_key_is_in_the_file_until_one_is_kept(path: Path) -> None:
    keyring = create(path)
    [first] = keys_of(keyring)
    added = keyring.add_key(LATER)
    assert len(keys_of(opened(path))) == 2
    keyring.keep(added)
    [kept] = keys_of(opened(path))
    assert kept != first
    with opened(path).keys() as [key]:
        assert (key.id, key.created) == (added, LATER)


def locked(keyring: Keyring) -> Keyring:
    with keyring.keys() as [key]:
        key_id = key.id
    relocked = keyring.relocked(
        Unlock.PASSPHRASE, key_id=key_id, root_key=no_root_key, passphrase=PASSPHRASE
    )
    relocked.save()
    return relocked


def test_a_passphrase_takes_the_root_keys_place(path: Path) -> None:
    keyring = create(path)
    before = keys_of(keyring), keyring.identity()
    assert locked(keyring).unlock is Unlock.PASSPHRASE
    assert keyring_file.unlock_of(path) is Unlock.PASSPHRASE
    with pytest.raises(PassphraseNeeded):
        opened(path)
    with pytest.raises(PassphraseWrong):
        opened(path, b"correct horse battery stapler")
    # The root key is not even asked for.
    again = Keyring.open(path=path, root_key=no_root_key, passphrase=PASSPHRASE)
    assert (keys_of(again), again.identity()) == before


def test_until_it_is_saved_the_keyring_opens_as_before(path: Path) -> None:
    keyring = create(path)
    with keyring.keys() as [key]:
        key_id = key.id
    keyring.relocked(Unlock.PASSPHRASE, key_id=key_id, root_key=no_root_key, passphrase=PASSPHRASE)
    assert opened(path).unlock is Unlock.ROOT_KEY


def test_the_same_root_key_locks_each_keyring_differently(path: Path, tmp_path: Path) -> None:
    create(path)
    other = tmp_path / "other.json"
    create(other)
    assert json.loads(path.read_text())["salt"] != json.loads(other.read_text())["salt"]
