"""Backups over a real socket: made while the store is used, and restored elsewhere."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.secrets.conftest import KEY, Client, connect, serving
from google.protobuf.field_mask_pb2 import FieldMask
from leger.secrets.v1 import backup_pb2 as b
from leger.secrets.v1 import backup_pb2_grpc, store_pb2
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import LegerError
from leger_secrets.config import Config
from pyrage import x25519

RECOVERY = x25519.Identity.generate()
RECIPIENT = str(RECOVERY.to_public())
IDENTITY = str(RECOVERY).encode()
PASSPHRASE = b"correct horse battery staple"


def backups(connected: Client) -> Any:  # its types do not know that an answer is an iterator
    return backup_pb2_grpc.BackupServiceStub(connected.channel)


def make(connected: Client, **way: object) -> tuple[bytes, b.BackupSummary]:
    """Return a backup and its summary, which comes last and alone."""
    request = b.BackupStoreRequest(**way)  # type: ignore[arg-type]
    *pieces, last = client.stream(lambda: backups(connected).BackupStore(request))
    assert all(0 < len(piece.content) <= 1024 * 1024 for piece in pieces)
    assert not any(piece.HasField("summary") for piece in pieces)
    assert not last.content
    return b"".join(piece.content for piece in pieces), last.summary


def restore(
    connected: Client, content: bytes = b"", *, size: int = 100_000, **start: object
) -> b.RestoreStoreResponse:
    def requests() -> Iterator[b.RestoreStoreRequest]:
        yield b.RestoreStoreRequest(start=b.RestoreStoreRequest.Start(**start))  # type: ignore[arg-type]
        for at in range(0, len(content), size):
            yield b.RestoreStoreRequest(content=content[at : at + size])

    answer: b.RestoreStoreResponse = client.call(
        lambda: backups(connected).RestoreStore(requests())
    )
    return answer


def refused(connected: Client, content: bytes = b"", **start: Any) -> LegerError:
    with pytest.raises(LegerError) as caught:
        restore(connected, content, **start)
    return caught.value


def put(connected: Client, name: str, *values: bytes) -> None:
    for value in values:
        connected.secrets.PutSecret(pb.PutSecretRequest(name=name, value=value, activate=True))


def value(connected: Client, name: str, version: int = 0) -> bytes:
    request = pb.GetSecretRequest(name=name, version=version)
    return client.call(lambda: connected.secrets.GetSecret(request)).value


def names(connected: Client) -> list[str]:
    listed = connected.secrets.ListSecrets(pb.ListSecretsRequest())
    return [secret.name for secret in listed.secrets]


@contextmanager
def elsewhere(directory: Path) -> Iterator[Client]:
    """Run a second service with a root key, a keyring and a store of its own."""
    directory.mkdir()
    key = directory / "root-key"
    key.write_bytes(bytes(reversed(KEY)))
    config = Config(
        runtime_dir=directory / "run",
        state_dir=directory / "state",
        backup_dir=directory / "state/backups",
        key_file=key,
        journal_socket=directory / "journal",
    )
    with serving(config):
        connected = connect(config, "operator")
        yield connected
        connected.channel.close()


@pytest.fixture
def stored(operator: Client) -> Client:
    """A store with three versions of api_key, of which the second is deleted, and notes."""
    put(operator, "api_key", b"first", b"second", b"third")
    secrets = operator.secrets
    secrets.DeleteSecretVersion(pb.DeleteSecretVersionRequest(name="api_key", version=2))
    secrets.ActivateSecretVersion(pb.ActivateSecretVersionRequest(name="api_key", version=1))
    notes = pb.SecretNotes(description="for the gateway", labels={"team": "web"})
    mask = FieldMask(paths=["description", "labels"])
    secrets.UpdateSecret(pb.UpdateSecretRequest(name="api_key", notes=notes, update_mask=mask))
    put(operator, "prod/db", b"\x00\xff")
    return operator


def test_a_new_machine_gets_everything_back_with_the_recovery_identity(
    stored: Client, tmp_path: Path
) -> None:
    content, summary = make(stored, recipients=[RECIPIENT])
    assert (summary.secrets, summary.versions, summary.size) == (2, 3, len(content))
    before = stored.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name="api_key")).secret
    with elsewhere(tmp_path / "new") as new:
        assert refused(new, content).reason == "BACKUP_LOCKED"
        answer = restore(new, content, identity=IDENTITY)
        assert list(answer.added) == ["api_key", "prod/db"]
        assert answer.backup == summary
        after = new.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name="api_key")).secret
        after.revision = before.revision
        assert after == before
        assert value(new, "api_key") == b"first"
        assert value(new, "api_key", 3) == b"third"
        assert value(new, "prod/db") == b"\x00\xff"
        burned = pb.CreateSecretVersionRequest(name="api_key", version=2, value=b"x")
        with pytest.raises(LegerError) as caught:
            client.call(lambda: new.secrets.CreateSecretVersion(burned))
        assert caught.value.reason == "VERSION_CLAIMED"


def test_a_passphrase_opens_a_backup_anywhere(stored: Client, tmp_path: Path) -> None:
    content, _ = make(stored, passphrase=PASSPHRASE)
    with elsewhere(tmp_path / "new") as new:
        assert "none was given" in refused(new, content).why
        assert refused(new, content, passphrase=b"wrong").reason == "BACKUP_LOCKED"
        restore(new, content, passphrase=PASSPHRASE)
        assert names(new) == ["api_key", "prod/db"]


def test_a_scheduled_backup_is_restored_by_the_store_that_made_it(
    stored: Client, config: Config
) -> None:
    content, summary = make(stored, scheduled=True)
    assert content == b""
    assert (config.backup_dir / summary.file).stat().st_mode & 0o777 == 0o600
    put(stored, "api_key", b"fourth")
    put(stored, "later", b"x")
    assert refused(stored, file=summary.file).reason == "STORE_NOT_EMPTY"
    answer = restore(stored, file=summary.file, replace=True)
    assert (list(answer.changed), list(answer.removed)) == (["api_key"], ["later"])
    assert value(stored, "api_key") == b"first"
    assert names(stored) == ["api_key", "prod/db"]


def test_scheduled_backups_are_listed_and_the_status_tells_the_last(
    stored: Client, config: Config
) -> None:
    listed = backups(stored).ListBackups(b.ListBackupsRequest())
    assert (list(listed.backups), listed.directory) == ([], str(config.backup_dir))
    backups(stored).SetRecoveryRecipients(b.SetRecoveryRecipientsRequest(recipients=[RECIPIENT]))
    _, summary = make(stored, scheduled=True)
    listed = backups(stored).ListBackups(b.ListBackupsRequest())
    assert list(listed.recovery_recipients) == [RECIPIENT]
    assert not listed.sealed
    [kept] = listed.backups
    assert (kept.file, kept.size, kept.create_time) == (
        *(summary.file, summary.size, summary.create_time),
    )
    status = stored.store.GetStoreStatus(store_pb2.GetStoreStatusRequest())
    assert status.last_backup_time == summary.create_time


def test_a_scheduled_backup_opens_elsewhere_with_the_recovery_identity(
    stored: Client, config: Config, tmp_path: Path
) -> None:
    backups(stored).SetRecoveryRecipients(b.SetRecoveryRecipientsRequest(recipients=[RECIPIENT]))
    _, summary = make(stored, scheduled=True)
    content = (config.backup_dir / summary.file).read_bytes()
    with elsewhere(tmp_path / "new") as new:
        restore(new, content, identity=IDENTITY)
        assert value(new, "api_key") == b"first"
        listed = backups(new).ListBackups(b.ListBackupsRequest())
        assert list(listed.recovery_recipients) == [RECIPIENT]


def test_a_dry_run_tells_what_would_change_and_changes_nothing(stored: Client) -> None:
    content, _ = make(stored, recipients=[RECIPIENT])
    stored.secrets.DeleteSecret(pb.DeleteSecretRequest(name="prod/db"))
    put(stored, "later", b"x")
    answer = restore(stored, content, identity=IDENTITY, dry_run=True)
    assert (list(answer.added), list(answer.changed), list(answer.removed)) == (
        *(["prod/db"], [], ["later"]),
    )
    assert names(stored) == ["api_key", "later"]


def test_what_is_damaged_or_cut_off_is_named_and_changes_nothing(
    stored: Client, tmp_path: Path
) -> None:
    content, _ = make(stored, recipients=[RECIPIENT])
    flipped = [
        content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        for place in (0, 25, len(content) // 2, len(content) - 1)
    ]
    with elsewhere(tmp_path / "new") as new:
        for damaged in (*flipped, content[:-1], content[: len(content) // 2], b""):
            reason = refused(new, damaged, identity=IDENTITY).reason
            assert reason in {"BACKUP_INVALID", "BACKUP_LOCKED"}
        assert names(new) == []


def test_a_watch_ends_when_the_store_is_replaced(stored: Client) -> None:
    content, _ = make(stored, recipients=[RECIPIENT])
    revision = stored.secrets.ListSecrets(pb.ListSecretsRequest()).revision
    watch: Any = stored.secrets.WatchSecrets  # see `backups`
    watching = watch(pb.WatchSecretsRequest(after_revision=revision))
    put(stored, "later", b"x")
    next(watching)  # it is watching now
    restore(stored, content, identity=IDENTITY, replace=True)
    with pytest.raises(LegerError) as caught:
        for _ in client.stream(lambda: watching):
            pass
    assert caught.value.reason in {"WATCH_ENDED", "REVISION_GONE"}
    again = pb.WatchSecretsRequest(after_revision=revision)
    with pytest.raises(LegerError) as caught:
        next(client.stream(lambda: watch(again)))
    assert caught.value.reason == "REVISION_GONE"


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(
    operator: Client, config: Config, tmp_path: Path
) -> None:
    ended, written = threading.Event(), threading.Event()

    def write() -> None:
        writer = connect(config, "operator")
        number = 0
        while not ended.is_set():
            number += 1
            items = [
                pb.ImportSecretsRequest.Item(name=f"{side}", value=b"%d" % number)
                for side in ("left", "right")
            ]
            writer.secrets.ImportSecrets(pb.ImportSecretsRequest(secrets=items))
            written.set()
        writer.channel.close()

    put(operator, "left", b"0")
    put(operator, "right", b"0")
    thread = threading.Thread(target=write)
    thread.start()
    made = []
    try:
        for _ in range(5):
            written.clear()
            assert written.wait(30)
            made.append(make(operator, recipients=[RECIPIENT])[0])
    finally:
        ended.set()
        thread.join()
    with elsewhere(tmp_path / "new") as new:
        seen = set()
        for content in made:
            restore(new, content, identity=IDENTITY, replace=True)
            assert value(new, "left") == value(new, "right")
            seen.add(value(new, "left"))
        assert len(seen) > 1


def test_requests_are_answered_while_a_passphrase_is_worked_at(stored: Client) -> None:
    made: list[bytes] = []
    thread = threading.Thread(target=lambda: made.append(make(stored, passphrase=PASSPHRASE)[0]))
    answered = 0
    thread.start()
    while thread.is_alive():
        assert value(stored, "api_key") == b"first"
        answered += 1
    thread.join()
    assert made
    assert answered > 5  # it takes about a second, and a request about a millisecond


def test_ten_thousand_secrets_come_back(operator: Client, tmp_path: Path) -> None:
    values = {f"bulk/{number:05}": bytes([number % 251]) * 1024 for number in range(10_000)}
    items = [pb.ImportSecretsRequest.Item(name=n, value=v) for n, v in values.items()]
    for start in range(0, len(items), 1_000):
        request = pb.ImportSecretsRequest(secrets=items[start : start + 1_000])
        client.call(lambda request=request: operator.secrets.ImportSecrets(request))  # type: ignore[misc]
    content, summary = make(operator, recipients=[RECIPIENT])
    assert summary.secrets == 10_000
    with elsewhere(tmp_path / "new") as new:
        answer = restore(new, content, size=1024 * 1024, identity=IDENTITY)
        assert len(answer.added) == 10_000
        for name in ("bulk/00000", "bulk/05000", "bulk/09999"):
            assert value(new, name) == values[name]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ({}, "INVALID_RECIPIENT"),
        ({"recipients": ["age1nobody"]}, "INVALID_RECIPIENT"),
        ({"recipients": [RECIPIENT], "passphrase": PASSPHRASE}, "INVALID_RECIPIENT"),
        ({"recipients": [RECIPIENT], "scheduled": True}, "INVALID_RECIPIENT"),
        ({"passphrase": b"short"}, "PASSPHRASE_WEAK"),
    ],
)
def test_a_backup_that_cannot_be_made_says_why(
    operator: Client, way: dict[str, object], reason: str
) -> None:
    with pytest.raises(LegerError) as caught:
        make(operator, **way)
    assert caught.value.reason == reason


def test_a_backup_that_is_not_kept_is_not_found(operator: Client) -> None:
    assert refused(operator, file="secrets-20200101T000000Z.age").reason == "BACKUP_NOT_FOUND"
    assert refused(operator, file="../secrets.db").reason == "BACKUP_NOT_FOUND"


def test_a_sealed_store_lists_its_backups_and_makes_and_restores_none(stored: Client) -> None:
    _, summary = make(stored, scheduled=True)
    stored.store.SealStore(store_pb2.SealStoreRequest())
    listed = backups(stored).ListBackups(b.ListBackupsRequest())
    assert listed.sealed
    assert [kept.file for kept in listed.backups] == [summary.file]
    with pytest.raises(LegerError) as caught:
        make(stored, scheduled=True)
    assert caught.value.reason == "STORE_SEALED"
    assert refused(stored, file=summary.file, replace=True).reason == "STORE_SEALED"


def test_a_store_that_was_lost_is_restored_by_its_own_backups(
    stored: Client, config: Config
) -> None:
    _, summary = make(stored, scheduled=True)
    stored.store.SealStore(store_pb2.SealStoreRequest())
    for file in config.state_dir.glob("secrets.db*"):
        file.unlink()
    stored.store.UnsealStore(store_pb2.UnsealStoreRequest(accept_rollback=True))
    assert names(stored) == []
    restore(stored, file=summary.file)
    assert value(stored, "api_key") == b"first"


@pytest.mark.parametrize("method", ["BackupStore", "RestoreStore", "ListBackups"])
def test_nobody_but_the_operator_may(deployer: Client, method: str) -> None:
    stub = backups(deployer)
    calls = {
        "BackupStore": lambda: list(stub.BackupStore(b.BackupStoreRequest(scheduled=True))),
        "RestoreStore": lambda: stub.RestoreStore(iter([b.RestoreStoreRequest()])),
        "ListBackups": lambda: stub.ListBackups(b.ListBackupsRequest()),
    }
    with pytest.raises(LegerError) as caught:
        client.call(calls[method])
    assert caught.value.reason == "NOT_PERMITTED"


def test_no_secret_of_it_is_in_any_file_or_error(
    stored: Client, config: Config, tmp_path: Path
) -> None:
    put(stored, "canary", b"canary-of-a-value")
    errors: list[object] = []
    content, _ = make(stored, passphrase=PASSPHRASE)
    make(stored, scheduled=True)
    errors.append(refused(stored, content, passphrase=b"canary-of-a-passphrase"))
    errors.append(refused(stored, content, identity=IDENTITY, passphrase=PASSPHRASE))
    kept: Sequence[bytes] = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    for secret in (b"canary-of-a", PASSPHRASE, IDENTITY, b"Y2FuYXJ5LW9mLWE"):
        assert not any(secret in found for found in kept)
        assert secret.decode() not in repr([(e, vars(e)) for e in errors])
