import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from leger_bootstrap import root_key
from leger_bootstrap.commands import Outcome, Run
from leger_bootstrap.scope import Scope, system, user


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return dataclasses.replace(
        system(),
        secrets_data=tmp_path / "legerd",
        encrypted_credentials=tmp_path / "credstore.encrypted",
        plain_credentials=tmp_path / "credstore",
    )


class Sealer:
    """A systemd-creds that notes what it was given."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.calls: list[tuple[list[str], bytes]] = []

    def __call__(self, command: Sequence[str], stdin: bytes) -> Outcome:
        self.calls.append((list(command), stdin))
        if self.status != 0:
            return Outcome(self.status, b"", "no")
        return Outcome(0, b"sealed" + stdin[::-1] if "encrypt" in command else stdin[:5:-1], "")


def ensured(scope: Scope, run: Run) -> root_key.RootKey:
    key = root_key.ensure(scope, run)
    assert key is not None
    return key


def test_the_key_is_sealed_and_never_in_an_argument(scope: Scope) -> None:
    sealer = Sealer()
    key = ensured(scope, sealer)
    (command, given), _ = sealer.calls
    assert len(given) == 32
    assert given.hex() not in " ".join(command)
    assert key.path.read_bytes() == b"sealed" + given[::-1]
    assert key.service_lines(scope) == [f"LoadCredentialEncrypted=root-key:{key.path}"]


def test_a_host_that_cannot_seal_gets_a_file_that_only_its_owner_reads(scope: Scope) -> None:
    key = ensured(scope, Sealer(status=1))
    assert not key.sealed
    assert len(key.path.read_bytes()) == 32
    assert key.path.stat().st_mode & 0o777 == 0o600
    assert key.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_seal_that_does_not_open_again_is_not_used(scope: Scope) -> None:
    def run(command: Sequence[str], stdin: bytes) -> Outcome:
        return Outcome(0, b"sealed", "") if "encrypt" in command else Outcome(1, b"", "no")

    assert not ensured(scope, run).sealed


def test_a_users_key_is_in_the_clear_while_the_service_runs_and_never_longer() -> None:
    alice = user(environment={}, home=Path("/home/alice"), uid=1000, account="alice")
    lines = root_key.RootKey(Path("/k"), sealed=True).service_lines(alice)
    assert lines[0].startswith("ExecStartPre=sh -c 'umask 077; exec systemd-creds --user decrypt ")
    assert "ExecStopPost=-rm -f %t/leger/secrets/root-key" in lines


@pytest.mark.parametrize("status", [0, 1])
def test_the_key_is_made_once(scope: Scope, status: int) -> None:
    first = ensured(scope, Sealer(status))
    content = first.path.read_bytes()
    again = Sealer(status)
    assert root_key.ensure(scope, again) == first
    assert again.calls == []
    assert first.path.read_bytes() == content


def test_no_new_key_is_made_for_a_store_that_it_could_not_open(scope: Scope) -> None:
    scope.secrets_data.mkdir()
    (scope.secrets_data / "secrets.db").touch()
    with pytest.raises(root_key.RootKeyMissing):
        root_key.ensure(scope, Sealer())
    assert not scope.encrypted_credentials.exists()


def test_a_store_that_a_passphrase_opens_needs_no_key(scope: Scope) -> None:
    scope.secrets_data.mkdir()
    (scope.secrets_data / "secrets.db").touch()
    (scope.secrets_data / "keyring.json").write_text('{"unlock": "passphrase"}')
    assert root_key.ensure(scope, Sealer()) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", "{"])
def test_a_damaged_keyring_tells_nothing(scope: Scope, content: str) -> None:
    scope.secrets_data.mkdir()
    (scope.secrets_data / "keyring.json").write_text(content)
    assert root_key.unlock_of_store(scope) is None
