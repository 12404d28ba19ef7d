"""age files, in this process and in one of its own."""

import sys
from types import ModuleType

import pytest
from leger_secrets.adapters import age, age_process
from leger_secrets.domain.backup_errors import (
    BackupInvalid,
    BackupLocked,
    BackupUnavailable,
    InvalidRecipient,
    KeyKind,
)
from leger_secrets.domain.backup_file import Keys
from leger_secrets.domain.value import SecretValue
from pyrage import x25519

DOCUMENT = b"a canary that no error may repeat\n" * 3
PASSPHRASE = SecretValue("Bücher, Äpfel, Öl".encode())
OWN, OTHER, STRANGER = (x25519.Identity.generate() for _ in range(3))


def key(identity: object) -> SecretValue:
    return SecretValue(str(identity).encode())


def recipient(identity: x25519.Identity) -> str:
    return str(identity.to_public())


FILE = age.encrypt(DOCUMENT, [recipient(OWN), recipient(OTHER)])
LOCKED_FILE = age.encrypt_with(DOCUMENT, PASSPHRASE)  # made once, as it takes a second

both = pytest.mark.parametrize("cipher", [age, age_process], ids=["here", "process"])


@both
def test_each_recipient_opens_what_was_made_for_both(cipher: ModuleType) -> None:
    file = cipher.encrypt(DOCUMENT, [recipient(OWN), recipient(OTHER)])
    assert cipher.decrypt(file, Keys(own=key(OWN))) == DOCUMENT
    assert cipher.decrypt(file, Keys(own=key(STRANGER), identity=key(OTHER))) == DOCUMENT


@both
def test_nobody_else_opens_it_and_the_error_says_what_it_needs(cipher: ModuleType) -> None:
    with pytest.raises(BackupLocked) as refused:
        cipher.decrypt(FILE, Keys(own=key(STRANGER), passphrase=PASSPHRASE))
    assert refused.value.needs is KeyKind.IDENTITY
    assert "no identity was given" in refused.value.why
    with pytest.raises(BackupLocked) as refused:
        cipher.decrypt(FILE, Keys(own=key(STRANGER), identity=key(STRANGER)))
    assert "nor the identity that was given" in refused.value.why


@both
def test_a_passphrase_opens_what_was_made_for_it(cipher: ModuleType) -> None:
    assert cipher.decrypt(LOCKED_FILE, Keys(own=key(OWN), passphrase=PASSPHRASE)) == DOCUMENT


def test_another_process_makes_a_file_for_a_passphrase() -> None:
    file = age_process.encrypt_with(DOCUMENT, PASSPHRASE)
    assert age.decrypt(file, Keys(passphrase=PASSPHRASE)) == DOCUMENT


@both
@pytest.mark.parametrize("given", [None, SecretValue(b"wrong"), SecretValue(b"\xff no UTF-8")])
def test_without_the_passphrase_it_stays_locked(
    cipher: ModuleType, given: SecretValue | None
) -> None:
    with pytest.raises(BackupLocked) as refused:
        cipher.decrypt(LOCKED_FILE, Keys(own=key(OWN), identity=key(OTHER), passphrase=given))
    assert refused.value.needs is KeyKind.PASSPHRASE
    assert ("none was given" in refused.value.why) == (given is None)


def test_an_identity_may_have_white_space_around_it() -> None:
    padded = SecretValue(f"  {OTHER}\n".encode())
    assert age.decrypt(FILE, Keys(identity=padded)) == DOCUMENT


@pytest.mark.parametrize("text", [b"", b"AGE-SECRET-KEY-1", b"\xff", b"age1"])
def test_what_is_no_identity_opens_nothing(text: bytes) -> None:
    with pytest.raises(BackupLocked):
        age.decrypt(FILE, Keys(identity=SecretValue(text)))


@both
@pytest.mark.parametrize(
    "damaged",
    [FILE[:-1], FILE[:-20], FILE[: FILE.index(b"---")], FILE + b"x", b"", b"PK\x03\x04", b"age"],
)
def test_what_is_cut_off_or_something_else_is_no_backup(cipher: ModuleType, damaged: bytes) -> None:
    with pytest.raises(BackupInvalid):
        cipher.decrypt(damaged, Keys(own=key(OWN)))


@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_a_bit_changed_in_any_byte_is_noticed(bit: int) -> None:
    keys = Keys(own=key(OWN), identity=key(OTHER))
    for place in range(len(FILE)):
        changed = bytearray(FILE)
        changed[place] ^= bit
        # Who it is for is not known any more when that is what was changed.
        with pytest.raises((BackupInvalid, BackupLocked)):
            age.decrypt(bytes(changed), keys)


def test_a_file_for_a_passphrase_with_another_content_is_damaged() -> None:
    changed = LOCKED_FILE[:-1] + bytes([LOCKED_FILE[-1] ^ 1])
    with pytest.raises(BackupInvalid):
        age.decrypt(changed, Keys(passphrase=PASSPHRASE))


def test_nothing_of_the_document_is_in_the_file() -> None:
    assert b"canary" not in FILE + LOCKED_FILE
    assert b"scrypt" in LOCKED_FILE
    assert FILE.startswith(b"age-encryption.org/v1\n-> X25519 ")


def test_a_recipient_is_taken_with_white_space_and_in_capitals() -> None:
    text = recipient(OWN)
    assert age.check_recipient(f" {text.upper()}\n", field="recipients[0]") == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "age1", "ssh-ed25519 AAAAC3Nz", "age1\ud800", "é"),
        pytest.param(recipient(OWN)[:-1], id="cut short"),
        pytest.param(str(STRANGER), id="an identity"),
    ],
)
def test_something_else_is_no_recipient_and_the_field_is_named(text: str) -> None:
    with pytest.raises(InvalidRecipient) as refused:
        age.check_recipient(text, field="recipients[3]")
    assert [violation.field for violation in refused.value.violations] == ["recipients[3]"]
    assert str(STRANGER) not in str(refused.value)  # an identity, by mistake


def test_a_process_that_cannot_start_is_said_to_be_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(age_process, "_START", "import os; os.abort()")
    with pytest.raises(BackupUnavailable) as refused:
        age_process.encrypt(DOCUMENT, [recipient(OWN)])
    assert "ended with signal 6" in refused.value.why


def test_a_process_that_cannot_be_made_is_said_to_be_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(BackupUnavailable) as refused:
        age_process.encrypt(DOCUMENT, [recipient(OWN)])
    assert "No such file or directory" in refused.value.why


def test_a_process_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_process, "_START", "import signal; signal.pause()")
    monkeypatch.setattr(age_process, "_PATIENCE", 0.1)
    with pytest.raises(BackupUnavailable) as refused:
        age_process.encrypt(DOCUMENT, [recipient(OWN)])
    assert "did not end within 0 s" in refused.value.why
    monkeypatch.undo()  # and the next one has its turn
    assert age_process.decrypt(FILE, Keys(own=key(OWN))) == DOCUMENT


def test_a_defect_in_the_process_is_named_without_its_text() -> None:
    with pytest.raises(Exception, match="could not be encrypted") as refused:
        age_process.encrypt(DOCUMENT, ["a canary"])  # unchecked, as no caller passes it
    assert "RecipientError" in refused.value.why  # type: ignore[attr-defined]
    assert "canary" not in str(refused.value)
