"""Watching over a real socket: nothing is lost or told twice, and nobody is kept waiting."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
from contract.secrets.conftest import (
    Client,
    connect,
    serving,
    start_process,
    wait_until_serving,
)
from leger.secrets.v1 import backup_pb2, backup_pb2_grpc, store_pb2
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import LegerError
from leger_secrets.config import Config
from leger_secrets.domain import watch_slots

Change = pb.WatchSecretsResponse
WRITERS = 4
WRITES = 60
LIMIT = 8


class Watch:
    """A watch that has been asked for, and perhaps not begun yet."""

    def __init__(self, operator: Client, after: int = 0, *patterns: str) -> None:
        self._call: Any = operator.secrets.WatchSecrets(
            pb.WatchSecretsRequest(after_revision=after, patterns=patterns)
        )

    def take(self, count: int) -> list[Change]:
        """Wait for so many changes."""
        return [next(self._call) for _ in range(count)]

    def take_revision(self) -> list[Change]:
        """Wait for all changes of the next revision."""
        changes = self.take(1)
        while not changes[-1].last_of_revision:
            changes += self.take(1)
        return changes

    def reason(self) -> str:
        """Return the reason with which it ends."""
        with pytest.raises(LegerError) as caught:
            for _ in client.stream(lambda: self._call):
                pass
        return caught.value.reason

    def cancel(self) -> None:
        self._call.cancel()


def put(operator: Client, name: str, value: bytes = b"x", *, activate: bool = False) -> int:
    return operator.secrets.PutSecret(
        pb.PutSecretRequest(name=name, value=value, activate=activate)
    ).version


def test_each_change_is_told_with_its_revision_its_author_and_its_time(operator: Client) -> None:
    watching = Watch(operator)
    put(operator, "a")
    put(operator, "a", b"two", activate=True)
    operator.secrets.DeleteSecretVersion(pb.DeleteSecretVersionRequest(name="a", version=1))
    operator.secrets.DeleteSecret(pb.DeleteSecretRequest(name="a"))
    told = watching.take(6)
    assert [(c.revision, c.change, c.version, c.last_of_revision) for c in told] == [
        (1, Change.CHANGE_VERSION_ADDED, 1, False),
        (1, Change.CHANGE_ACTIVATED, 1, True),
        (2, Change.CHANGE_VERSION_ADDED, 2, False),
        (2, Change.CHANGE_ACTIVATED, 2, True),
        (3, Change.CHANGE_VERSION_DELETED, 1, True),
        (4, Change.CHANGE_DELETED, 0, True),
    ]
    assert {(c.name, c.principal) for c in told} == {("a", "operator:root")}
    assert all(c.time.seconds > 0 for c in told)
    watching.cancel()


def test_a_watch_tells_within_a_moment_what_was_changed_while_it_waited(operator: Client) -> None:
    put(operator, "a")
    watching = Watch(operator, 1)
    first = threading.Thread(target=put, args=[operator, "b"])
    first.start()
    assert watching.take(1)[0].name == "b"
    first.join()
    watching.cancel()


class State:
    """What a watcher knows of all secrets from nothing but what it was told."""

    def __init__(self) -> None:
        self.secrets: dict[str, tuple[set[int], int]] = {}
        self.revision = 0
        self.told: list[tuple[int, str, int, int]] = []

    def apply(self, changes: list[Change]) -> None:
        for change in changes:
            numbers, active = self.secrets.get(change.name, (set(), 0))
            match change.change:
                case Change.CHANGE_VERSION_ADDED:
                    self.secrets[change.name] = numbers | {change.version}, active
                case Change.CHANGE_ACTIVATED:
                    assert change.version in numbers
                    self.secrets[change.name] = numbers, change.version
                case Change.CHANGE_VERSION_DELETED:
                    self.secrets[change.name] = numbers - {change.version}, active
                case Change.CHANGE_DELETED:
                    del self.secrets[change.name]
            self.told.append((change.revision, change.name, change.change, change.version))
            if change.last_of_revision:
                self.revision = change.revision


def write_at_random(operator: Client, seed: int) -> None:
    """Put, activate and delete: of secrets of this writer's own, and of some of all writers'."""
    draw = random.Random(seed)
    secrets = operator.secrets
    for number in range(WRITES):
        name = draw.choice([f"own{seed}", "shared/a", "shared/b"])
        with suppress(grpc.RpcError):  # another writer was there first
            match draw.randrange(8):
                case 0:
                    secrets.DeleteSecret(pb.DeleteSecretRequest(name=name))
                case 1 | 2:
                    secrets.DeleteSecretVersion(
                        pb.DeleteSecretVersionRequest(name=name, version=draw.randrange(1, 9))
                    )
                case 3:
                    secrets.ActivateSecretVersion(
                        pb.ActivateSecretVersionRequest(name=name, version=draw.randrange(1, 9))
                    )
                case _:
                    value = f"{seed}-{number}".encode()
                    put(operator, name, value, activate=draw.random() < 0.5)


def watch_and_break_off(config: Config, until: threading.Event, state: State, seed: int) -> None:
    """Watch until all is told, on a new connection after every few changes, wherever that is."""
    draw = random.Random(seed)
    while True:
        operator = connect(config, "operator")
        finished = until.is_set()
        end = operator.secrets.ListSecrets(pb.ListSecretsRequest()).revision
        pending: list[Change] = []
        watching = Watch(operator, state.revision)
        budget = draw.randrange(1, 25)
        while state.revision < end and (budget > 0 or finished):
            pending += watching.take(1)
            budget -= 1
            if pending[-1].last_of_revision:
                state.apply(pending)
                pending = []
        watching.cancel()
        operator.channel.close()
        if finished:
            return


def test_no_change_is_lost_or_told_twice_across_reconnects_under_concurrent_writers(
    config: Config, operator: Client
) -> None:
    written = threading.Event()
    states = [State() for _ in range(3)]
    watchers = [
        threading.Thread(target=watch_and_break_off, args=[config, written, state, seed])
        for seed, state in enumerate(states)
    ]
    clients = [connect(config, "operator") for _ in range(WRITERS)]
    writers = [
        threading.Thread(target=write_at_random, args=[connected, seed])
        for seed, connected in enumerate(clients)
    ]
    for thread in watchers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    written.set()
    for thread in watchers:
        thread.join(timeout=120)
        assert not thread.is_alive()

    whole = State()
    listed = operator.secrets.ListSecrets(pb.ListSecretsRequest())
    watching = Watch(operator)
    while whole.revision < listed.revision:
        whole.apply(watching.take_revision())
    watching.cancel()
    assert {revision for revision, *_ in whole.told} == set(range(1, listed.revision + 1))
    assert len(whole.told) > WRITES
    truth = {s.name: ({v.version for v in s.versions}, s.active_version) for s in listed.secrets}
    for state in [whole, *states]:
        assert state.told == whole.told
        assert state.secrets == truth
    for connected in clients:
        connected.channel.close()


def test_a_watch_goes_on_where_it_was_after_the_service_was_killed(config: Config) -> None:
    process = start_process(config)
    operator = wait_until_serving(config, process)
    watching = Watch(operator)
    put(operator, "a")
    [_, last] = watching.take(2)
    process.kill()
    process.communicate()
    assert watching.reason() == "UNAVAILABLE"

    again = start_process(config)
    operator = wait_until_serving(config, again)
    put(operator, "b")
    assert {(c.revision, c.name) for c in Watch(operator, last.revision).take(2)} == {(2, "b")}
    again.terminate()
    again.communicate(timeout=30)


def test_a_revision_that_the_store_never_had_is_gone(operator: Client) -> None:
    put(operator, "a")
    assert Watch(operator, 7).reason() == "REVISION_GONE"


def test_a_pattern_that_no_name_can_match_is_refused(operator: Client) -> None:
    assert Watch(operator, 0, "a", "").reason() == "INVALID_NAME"


def test_the_service_stops_at_once_although_it_is_watched(config: Config) -> None:
    process = start_process(config)
    operator = wait_until_serving(config, process)
    put(operator, "a")
    watching = [Watch(operator) for _ in range(LIMIT)]
    for each in watching:
        each.take(2)
    process.terminate()
    # A call that used up its grace would be cancelled without a reason.
    assert {each.reason() for each in watching} == {"WATCH_ENDED"}
    assert process.wait(timeout=30) == 0


def test_watches_are_limited_and_leave_all_other_calls_their_threads(operator: Client) -> None:
    put(operator, "a")
    watching = [Watch(operator) for _ in range(LIMIT)]
    for each in watching:
        each.take(2)
    assert Watch(operator).reason() == "TOO_MANY_WATCHES"
    calls = [
        operator.secrets.GetSecret.future(pb.GetSecretRequest(name="a"), timeout=60)
        for _ in range(64)
    ]
    assert {call.result().value for call in calls} == {b"x"}
    for each in watching:
        each.cancel()


def begun(operator: Client) -> Iterator[Watch]:
    """Yield watches that began, trying again while there are too many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        watching = Watch(operator)
        try:
            watching.take(1)
        except grpc.RpcError:
            time.sleep(0.05)
        else:
            yield watching


def test_whoever_leaves_frees_a_place(operator: Client) -> None:
    put(operator, "a")
    watching = [Watch(operator) for _ in range(LIMIT)]
    for each in watching:
        each.take(2)
    for each in watching:
        each.cancel()
    new = begun(operator)
    watching += [next(new) for _ in range(LIMIT)]
    for each in watching:
        each.cancel()


WATCHER = """
import sys
from pathlib import Path
from leger.secrets.v1 import secrets_pb2, secrets_pb2_grpc
from leger_runtime import client
stub = secrets_pb2_grpc.SecretsServiceStub(client.channel(Path(sys.argv[1])))
for change in stub.WatchSecrets(secrets_pb2.WatchSecretsRequest()):
    print(change.name, flush=True)
"""


def test_a_client_that_was_killed_or_takes_nothing_more_frees_its_place(
    config: Config, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_slots, "STALLED", 1.0)
    put(operator, "a")
    socket = str(config.runtime_dir / "operator/grpc.sock")
    clients = [
        subprocess.Popen([sys.executable, "-c", WATCHER, socket], stdout=subprocess.PIPE)
        for _ in range(LIMIT)
    ]
    for process in clients:
        assert process.stdout is not None
        assert process.stdout.readline() == b"a\n"
    killed, stopped = clients[: LIMIT // 2], clients[LIMIT // 2 :]
    for process in killed:
        process.kill()
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    # More than the connections of the stopped ones hold.
    for number in range(400):
        put(operator, f"{'n' * 250}{number}")
    new = begun(operator)
    watching = [next(new) for _ in range(LIMIT)]
    for each in watching:
        each.cancel()
    for process in clients:
        process.kill()
        process.communicate()


def test_a_watch_ends_when_the_service_stops_and_goes_on_with_the_next(config: Config) -> None:
    with serving(config):
        operator = connect(config, "operator")
        put(operator, "a")
        watching = Watch(operator)
        [*_, last] = watching.take(2)
    assert watching.reason() == "WATCH_ENDED"
    with serving(config):
        operator = connect(config, "operator")
        put(operator, "b")
        assert {c.name for c in Watch(operator, last.revision).take(2)} == {"b"}


def test_a_watch_ends_at_once_when_the_store_is_sealed_and_goes_on_when_it_is_open(
    operator: Client,
) -> None:
    put(operator, "a")
    watching = Watch(operator)
    [*_, last] = watching.take(2)
    operator.store.SealStore(store_pb2.SealStoreRequest())
    assert watching.reason() == "WATCH_ENDED"
    assert Watch(operator, last.revision).reason() == "STORE_SEALED"
    operator.store.UnsealStore(store_pb2.UnsealStoreRequest())
    put(operator, "b")
    assert {c.name for c in Watch(operator, last.revision).take(2)} == {"b"}


def test_a_watch_goes_on_while_the_store_is_encrypted_anew(operator: Client) -> None:
    put(operator, "a")
    watching = Watch(operator)
    watching.take(2)
    operator.store.RekeyStore(store_pb2.RekeyStoreRequest())
    put(operator, "b")
    assert {c.name for c in watching.take(2)} == {"b"}
    watching.cancel()


def test_a_watch_ends_when_a_backup_is_restored_and_cannot_go_on_from_before(
    operator: Client,
) -> None:
    backups = backup_pb2_grpc.BackupServiceStub(operator.channel)
    put(operator, "a")
    request = backup_pb2.BackupStoreRequest(passphrase=b"correct horse battery staple 7")
    pieces = [answer.content for answer in backups.BackupStore(request)]
    put(operator, "b")
    watching = Watch(operator)
    [*_, last] = watching.take(4)
    start = backup_pb2.RestoreStoreRequest.Start(passphrase=request.passphrase, replace=True)
    parts = [
        backup_pb2.RestoreStoreRequest(start=start),
        *(backup_pb2.RestoreStoreRequest(content=piece) for piece in pieces if piece),
    ]
    restored = backups.RestoreStore(iter(parts))
    assert list(restored.removed) == ["b"]
    assert watching.reason() == "WATCH_ENDED"
    assert Watch(operator, last.revision).reason() == "REVISION_GONE"
    listed = operator.secrets.ListSecrets(pb.ListSecretsRequest())
    put(operator, "c")
    assert {c.name for c in Watch(operator, listed.revision).take(2)} == {"c"}
