import base64
import dataclasses
import json
import os
from pathlib import Path

import pytest
from leger_bootstrap import key_status
from leger_bootstrap.key_status import Protection
from leger_bootstrap.root_key import RootKeyMissing
from leger_bootstrap.scope import Scope, system


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    scope = dataclasses.replace(
        system(),
        secrets_data=tmp_path / "legerd",
        encrypted_credentials=tmp_path / "credstore.encrypted",
        plain_credentials=tmp_path / "credstore",
    )
    for directory in (scope.secrets_data, scope.encrypted_credentials, scope.plain_credentials):
        directory.mkdir()
    return scope


def seal(scope: Scope, kind: str) -> None:
    """Write a credential as systemd-creds does: base64 in lines of 79 characters."""
    content = base64.b64encode(bytes.fromhex(kind) + os.urandom(200)).decode()
    lines = [content[at : at + 79] for at in range(0, len(content), 79)]
    (scope.encrypted_credentials / "leger.root-key").write_text("\n".join(lines) + "\n")


def opened_by(scope: Scope, unlock: str) -> None:
    (scope.secrets_data / "keyring.json").write_text(json.dumps({"unlock": unlock}))


@pytest.mark.parametrize(
    ("kind", "protection"),
    [
        ("5a1c6a86df9d4096b1d5a65e0862f19a", Protection.HOST_KEY),
        ("55b9ed1d38594d43a8319d2ebb332ac6", Protection.HOST_KEY),
        ("0c7cc07b117645919c4b0bea08bc20fe", Protection.TPM2),
        ("93a894094874449090caf2fc93cab553", Protection.TPM2_AND_HOST_KEY),
        ("058469daf6f54324800549da0f8ea2fb", Protection.NOTHING),
        ("00" * 16, Protection.UNKNOWN),
    ],
)
def test_the_credential_itself_says_what_it_is_sealed_to(
    scope: Scope, kind: str, protection: Protection
) -> None:
    seal(scope, kind)
    opened_by(scope, "root-key")
    found = key_status.read(scope)
    assert found.path == scope.encrypted_credentials / "leger.root-key"
    assert (found.protection, found.unlock) == (protection, "root-key")


def test_what_is_no_credential_is_not_guessed_at(scope: Scope) -> None:
    (scope.encrypted_credentials / "leger.root-key").write_bytes(b"\0\xff no base64")
    assert key_status.read(scope).protection is Protection.UNKNOWN


def test_a_plain_file_is_called_one_and_never_shown(scope: Scope) -> None:
    (scope.plain_credentials / "leger.root-key").write_bytes(b"k" * 32)
    found = key_status.read(scope)
    assert found.protection is Protection.FILE
    assert "kkkk" not in key_status.as_text(found) + key_status.as_json(found)


def test_a_passphrase_needs_no_key(scope: Scope) -> None:
    opened_by(scope, "passphrase")
    assert json.loads(key_status.as_json(key_status.read(scope))) == {
        "path": None,
        "protection": "none",
        "unlock": "passphrase",
    }
    assert "a passphrase opens the store" in key_status.as_text(key_status.read(scope))


def test_before_the_first_start_there_is_neither_key_nor_store(scope: Scope) -> None:
    text = key_status.as_text(key_status.read(scope))
    place = scope.encrypted_credentials / "leger.root-key"
    assert text.splitlines()[0] == f"root key   none; its place is {place}"
    assert text.splitlines()[2] == "opens      the store, once there is one"


def test_a_key_that_is_needed_and_gone_is_an_error(scope: Scope) -> None:
    opened_by(scope, "root-key")
    with pytest.raises(RootKeyMissing):
        key_status.read(scope)
