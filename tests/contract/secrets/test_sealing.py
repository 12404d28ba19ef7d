"""The service without its store: it runs, says why, answers nothing, and can be helped."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from contract.secrets.conftest import (
    Ask,
    Client,
    connect,
    serving,
    start_process,
    wait_until_serving,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import store_pb2
from leger_runtime import client
from leger_runtime.errors import LegerError
from leger_secrets.adapters import keyring_file, schema, sqlcipher
from leger_secrets.adapters.keyring import Keyring
from leger_secrets.config import Config
from waiting import wait_until

PASSPHRASE = b"correct horse battery staple"
VALUE = b"a value"


@contextmanager
def running(config: Config) -> Iterator[Client]:
    with serving(config):
        operator = connect(config, "operator")
        yield operator
        operator.channel.close()


def call(of: Callable[[], object]) -> LegerError:
    """Return how a call fails."""
    with pytest.raises(LegerError) as caught:
        client.call(of)
    return caught.value


def put(operator: Client, name: str = "a", value: bytes = VALUE) -> None:
    operator.secrets.PutSecret(pb.PutSecretRequest(name=name, value=value, activate=True))


def get(operator: Client, name: str = "a") -> bytes:
    request = pb.GetSecretRequest(name=name)
    return client.call(lambda: operator.secrets.GetSecret(request)).value


def status(operator: Client) -> store_pb2.GetStoreStatusResponse:
    return operator.store.GetStoreStatus(store_pb2.GetStoreStatusRequest())


def unseal(
    operator: Client, passphrase: bytes = b"", *, audit: bool = False, rollback: bool = False
) -> list[str]:
    request = store_pb2.UnsealStoreRequest(
        passphrase=passphrase, begin_audit_log=audit, accept_rollback=rollback
    )
    return list(client.call(lambda: operator.store.UnsealStore(request)).set_aside)


def seal(operator: Client) -> None:
    operator.store.SealStore(store_pb2.SealStoreRequest())


def health(operator: Client, service: str = "") -> bool:
    stub = health_pb2_grpc.HealthStub(operator.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def sealed_by(config: Config) -> str:
    """Start the service on these files; return what keeps the store sealed."""
    with running(config) as operator:
        assert call(lambda: get(operator)).reason == "STORE_SEALED"
        return status(operator).seal_reason


def audit_lines(config: Config) -> str:
    return (config.state_dir / "audit.log").read_text()


@pytest.fixture
def filled(config: Config) -> Config:
    """The files of a service that has stored something and was stopped."""
    with running(config) as operator:
        put(operator)
    return config


def test_without_its_key_it_runs_sealed_and_says_why(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(60)
        absent = replace(config, key_file=tmp_path / "absent")
        process = start_process(absent, NOTIFY_SOCKET=str(path))
        ready, told = notify.recv(4096).decode().splitlines()
        assert ready == "READY=1"
        assert told == f"STATUS=Sealed: The root key {tmp_path}/absent cannot be read."
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [line for line in err.decode().splitlines() if line.startswith("<3>")]
    assert lines[:2] == [
        f"<3>The root key {tmp_path}/absent cannot be read.",
        "<3>No such file or directory.",
    ]
    assert len(lines) == 3
    assert not (config.state_dir / "secrets.db").exists()


def test_a_sealed_store_is_not_serving_but_the_service_answers(
    config: Config, tmp_path: Path
) -> None:
    with running(replace(config, key_file=tmp_path / "absent")) as operator:
        found = status(operator)
        assert found.sealed
        assert found.seal_reason == "STORE_KEY_MISSING"
        assert found.seal_why == "No such file or directory."
        assert "legerd key status" in found.seal_next_step
        assert (found.revision, found.secrets, found.size) == (0, 0, 0)
        assert not health(operator)
        assert not health(operator, "leger.secrets.v1.SecretsService")
        assert health(operator, "leger.secrets.v1.StoreService")
        refused = call(lambda: get(operator))
        assert refused.reason == "STORE_SEALED"
        assert "absent cannot be read" in refused.why
        assert '"outcome":"STORE_SEALED"' in audit_lines(config)


def test_the_key_is_put_back_and_the_store_opens(filled: Config) -> None:
    key = filled.key_file.read_bytes()
    filled.key_file.unlink()
    with running(filled) as operator:
        assert call(lambda: unseal(operator)).reason == "STORE_KEY_MISSING"
        filled.key_file.write_bytes(key)
        assert unseal(operator) == []
        assert get(operator) == VALUE
        assert health(operator)
        assert status(operator).secrets == 1


@pytest.mark.parametrize(
    ("key", "reason"), [(bytes(32), "STORE_KEY_WRONG"), (b"no key", "STORE_KEY_INVALID")]
)
def test_another_key_changes_nothing(filled: Config, key: bytes, reason: str) -> None:
    right = filled.key_file.read_bytes()
    filled.key_file.write_bytes(key)
    assert sealed_by(filled) == reason
    filled.key_file.write_bytes(right)
    with running(filled) as operator:
        assert get(operator) == VALUE


def test_a_database_without_its_keyring_is_left_alone(filled: Config) -> None:
    (filled.state_dir / keyring_file.NAME).unlink()
    before = (filled.state_dir / "secrets.db").read_bytes()
    assert sealed_by(filled) == "STORE_KEY_MISSING"
    assert (filled.state_dir / "secrets.db").read_bytes() == before
    assert not (filled.state_dir / keyring_file.NAME).exists()


def test_a_newer_store_is_left_alone(filled: Config) -> None:
    database = filled.state_dir / "secrets.db"
    connection = sqlcipher.connect(database, store_key(filled), writable=True)
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    before = database.read_bytes()
    with running(filled) as operator:
        found = status(operator)
    assert found.seal_reason == "STORE_TOO_NEW"
    assert found.seal_why == f"Its schema is version 1000, and this leger knows {schema.VERSION}."
    assert database.read_bytes() == before


def store_key(config: Config) -> bytes:
    keyring = Keyring.open(
        path=config.state_dir / keyring_file.NAME,
        root_key=lambda: bytearray(config.key_file.read_bytes()),
        passphrase=b"",
    )
    with keyring.keys() as [key]:
        return bytes(key.key)


def test_a_unit_gets_nothing_from_a_sealed_store_and_its_journal_says_why(
    operator: Client, deployer: Client, ask: Ask, journald: socket.socket
) -> None:
    put(operator)
    bindings = [pb.Binding(unit="web.service", credential="a", secret="a")]
    deployer.bindings.BindStack(pb.BindStackRequest(stack="web", bindings=bindings))
    seal(operator)
    assert len(ask("web.service", "a")) > 1024 * 1024
    assert b"The secrets store is sealed" in journald.recv(65536)
    [refusal] = operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals
    assert refusal.reason == "STORE_SEALED"
    assert "The secrets store is sealed" in refusal.message
    unseal(operator)
    [refusal] = operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals
    assert refusal.reason == "STORE_SEALED"
    assert "that is open now, so start it" in refusal.message
    assert ask("web.service", "a") == VALUE
    assert not operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals


def test_the_operator_seals_and_unseals(config: Config, operator: Client) -> None:
    put(operator)
    seal(operator)
    assert status(operator).seal_why == "operator:root has sealed it."
    assert call(lambda: get(operator)).why == "operator:root has sealed it."
    seal(operator)  # once more changes nothing
    unseal(operator)
    unseal(operator)
    assert get(operator) == VALUE
    lines = audit_lines(config)
    assert lines.count('"action":"seal"') == 2
    assert lines.count('"action":"unseal"') == 2


def test_the_deployer_may_see_the_status_and_nothing_else(deployer: Client) -> None:
    assert not deployer.store.GetStoreStatus(store_pb2.GetStoreStatusRequest()).sealed
    for refused in (
        lambda: deployer.store.SealStore(store_pb2.SealStoreRequest()),
        lambda: deployer.store.UnsealStore(store_pb2.UnsealStoreRequest()),
        lambda: deployer.store.RekeyStore(store_pb2.RekeyStoreRequest()),
    ):
        assert call(refused).reason == "NOT_PERMITTED"


def test_sealing_ends_a_watch(operator: Client) -> None:
    put(operator)
    events = operator.secrets.WatchSecrets(pb.WatchSecretsRequest())
    next(iter(events))
    seal(operator)
    with pytest.raises(grpc.RpcError):
        for _ in events:
            pass


def test_requests_in_flight_succeed_or_are_told_that_it_is_sealed(operator: Client) -> None:
    put(operator)
    outcomes: set[str] = set()
    done = threading.Event()

    def use() -> None:
        while not done.is_set():
            try:
                put(operator, "b", b"b")
                outcomes.add(get(operator).decode())
            except grpc.RpcError as error:
                outcomes.add(str(error.details()))
            except LegerError as error:
                outcomes.add(error.reason)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for _ in range(15):
        seal(operator)
        unseal(operator)
    wait_until(lambda: VALUE.decode() in outcomes)
    done.set()
    for user in users:
        user.join(timeout=60)
    sealed = "The secrets store is sealed: no secret can be read or written."
    assert outcomes <= {VALUE.decode(), "STORE_SEALED", sealed}


def test_a_passphrase_takes_over_and_gives_back(filled: Config) -> None:
    with running(filled) as operator:
        operator.store.RekeyStore(store_pb2.RekeyStoreRequest(passphrase=PASSPHRASE))
        assert status(operator).unlock == store_pb2.UNLOCK_PASSPHRASE
        assert get(operator) == VALUE
    with running(filled) as operator:
        assert status(operator).seal_reason == "PASSPHRASE_NEEDED"
        assert call(lambda: unseal(operator, b"wrong")).reason == "PASSPHRASE_WRONG"
        assert status(operator).seal_reason == "PASSPHRASE_NEEDED"
        unseal(operator, PASSPHRASE)
        assert get(operator) == VALUE
        operator.store.RekeyStore(store_pb2.RekeyStoreRequest())  # it stays a passphrase
        seal(operator)
        unseal(operator, PASSPHRASE)
        operator.store.RekeyStore(store_pb2.RekeyStoreRequest(root_key=True))
    with running(filled) as operator:
        assert status(operator).unlock == store_pb2.UNLOCK_ROOT_KEY
        assert get(operator) == VALUE
    assert PASSPHRASE.decode() not in audit_lines(filled)


@pytest.mark.parametrize("passphrase", [b"short", b"eleven char", b"x" * 40, b"x" * 2000])
def test_a_weak_passphrase_changes_nothing(operator: Client, passphrase: bytes) -> None:
    put(operator)
    request = store_pb2.RekeyStoreRequest(passphrase=passphrase)
    refused = call(lambda: operator.store.RekeyStore(request))
    assert refused.reason == "PASSPHRASE_WEAK"
    assert [violation.field for violation in refused.violations] == ["passphrase"]
    assert status(operator).unlock == store_pb2.UNLOCK_ROOT_KEY
    assert get(operator) == VALUE


def test_an_older_database_in_the_place_of_the_last_one_is_noticed(filled: Config) -> None:
    database = filled.state_dir / "secrets.db"
    older = database.read_bytes()
    with running(filled) as operator:
        put(operator, value=b"newer")
        newest = status(operator).revision
    database.write_bytes(older)
    with running(filled) as operator:
        found = status(operator)
        assert found.seal_reason == "STORE_ROLLED_BACK"
        assert str(database) in found.seal_what
        assert "--accept-rollback" in found.seal_next_step
        assert database.read_bytes() == older
        unseal(operator, rollback=True)
        assert get(operator) == VALUE
        # Nobody who watched the store before takes its changes for those that followed.
        assert status(operator).revision > newest
    assert '"detail":"accept-rollback"' in audit_lines(filled)
    with running(filled) as operator:
        assert get(operator) == VALUE


def test_a_database_that_is_gone_is_not_begun_anew(filled: Config) -> None:
    (filled.state_dir / "secrets.db").unlink()
    assert sealed_by(filled) == "STORE_ROLLED_BACK"
    assert not (filled.state_dir / "secrets.db").exists()


def test_without_its_anchor_a_store_opens_only_when_told_to(filled: Config) -> None:
    (filled.state_dir / "anchor").unlink()
    assert sealed_by(filled) == "ANCHOR_DAMAGED"
    with running(filled) as operator:
        unseal(operator, rollback=True)
        assert get(operator) == VALUE
    with running(filled) as operator:
        assert get(operator) == VALUE


def test_with_nothing_left_it_begins_anew(filled: Config) -> None:
    shutil.rmtree(filled.state_dir)
    with running(filled) as operator:
        assert status(operator).secrets == 0


def test_a_first_start_that_was_interrupted_goes_on(filled: Config) -> None:
    """The keyring is made first, then the anchor, then the database."""
    with running(filled):
        pass
    keyring = (filled.state_dir / keyring_file.NAME).read_bytes()
    shutil.rmtree(filled.state_dir)
    filled.state_dir.mkdir()
    (filled.state_dir / keyring_file.NAME).write_bytes(keyring)
    with running(filled) as operator:
        put(operator)
        assert get(operator) == VALUE


def test_a_broken_audit_log_keeps_it_sealed_until_another_is_begun(filled: Config) -> None:
    log = filled.state_dir / "audit.log"
    with running(filled) as operator:
        put(operator, value=b"newer")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))  # cut at the end
    with running(filled) as operator:
        assert status(operator).seal_reason == "AUDIT_LOG_BROKEN"
        assert call(lambda: get(operator)).reason == "STORE_SEALED"
        assert call(lambda: unseal(operator)).reason == "AUDIT_LOG_BROKEN"
        [aside] = unseal(operator, audit=True)
        assert (filled.state_dir / aside).exists()
        assert get(operator) == b"newer"
    assert '"action":"begin-log"' in log.read_text().splitlines()[0]
    with running(filled) as operator:
        assert get(operator) == b"newer"


def test_a_sealed_process_ends_gracefully(config: Config) -> None:
    config.key_file.unlink()
    process = start_process(config)
    wait_until_serving(config, process)
    process.terminate()
    assert process.wait(timeout=60) == 0
