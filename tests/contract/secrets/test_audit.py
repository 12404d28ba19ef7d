"""The audit service on a real socket, and a service that starts with a broken log."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from contract.secrets.conftest import Client, connect, serving, start_process, wait_until_serving
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import audit_pb2 as pb
from leger.secrets.v1 import audit_pb2_grpc, secrets_pb2, secrets_pb2_grpc, store_pb2
from leger_runtime import client
from leger_runtime.errors import LegerError
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.config import Config
from leger_secrets.domain.audit import Action, AuditEntry
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.watch_slots import LIMIT
from waiting import wait_until

SMALL = 2_000  # bytes of a file after which the next one begins


def put(operator: Client, name: str) -> None:
    operator.secrets.PutSecret(secrets_pb2.PutSecretRequest(name=name, value=b"v"))


def read(operator: Client, **wanted: object) -> list[pb.AuditEntry]:
    request = pb.ReadAuditRequest(**wanted)  # type: ignore[arg-type]
    return [one for answer in operator.audit.ReadAudit(request) for one in answer.entries]


class Reading:
    """A call whose answers are taken one by one."""

    def __init__(self, operator: Client, **wanted: object) -> None:
        request = pb.ReadAuditRequest(**wanted)  # type: ignore[arg-type]
        self._call = operator.audit.ReadAudit(request)
        self._answers = iter(self._call)

    def __next__(self) -> pb.ReadAuditResponse:
        return next(self._answers)

    def cancel(self) -> None:
        self._call.cancel()  # type: ignore[no-untyped-call]


@contextmanager
def failing(reason: str) -> Iterator[list[LegerError]]:
    """Expect a failure of this reason, and yield a list that has it afterwards."""
    found: list[LegerError] = []
    with pytest.raises(grpc.RpcError) as caught:
        yield found
    found.append(client._translated(caught.value))
    assert found[0].reason == reason


def test_a_request_leaves_an_entry_with_everything_that_is_known_of_it(
    config: Config, service: None
) -> None:
    channel = client.channel(config.runtime_dir / "operator/grpc.sock", "leger/1 (test; pid 1)")
    stub = secrets_pb2_grpc.SecretsServiceStub(channel)
    stub.PutSecret(secrets_pb2.PutSecretRequest(name="a", value=b"v"))
    [answer] = audit_pb2_grpc.AuditServiceStub(channel).ReadAudit(pb.ReadAuditRequest(action="put"))
    [entry] = answer.entries
    assert (entry.principal, entry.process) == ("operator:root", "leger/1 (test; pid 1)")
    assert (entry.action, entry.secret, entry.version, entry.outcome) == ("put", "a", 1, "allowed")
    assert len(entry.request_id) == 16
    assert abs(entry.time.ToSeconds() - time.time()) < 60
    channel.close()


def test_the_entries_of_one_request_have_one_id(operator: Client) -> None:
    put(operator, "a")
    put(operator, "b")
    operator.secrets.ResolveSecrets(secrets_pb2.ResolveSecretsRequest(names=["a", "b"]))
    first, second = read(operator, action="get")
    assert first.request_id == second.request_id
    assert {one.request_id for one in read(operator, action="put")} - {first.request_id}


def test_reading_leaves_no_entry(operator: Client) -> None:
    put(operator, "a")
    before = read(operator)
    assert read(operator) == before


def test_filters_a_time_and_a_limit_select_entries(operator: Client) -> None:
    for name in ("prod/a", "prod/b", "test/a"):
        put(operator, name)
    assert [one.secret for one in read(operator, secret="prod/*")] == ["prod/a", "prod/b"]
    assert [one.secret for one in read(operator, secret="prod/*", limit=1)] == ["prod/b"]
    last = read(operator)[-1]
    assert read(operator, since=last.time) == [last]
    later = Timestamp(seconds=last.time.seconds + 60)
    assert read(operator, since=later) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"action": "gett"}, "action"),
        ({"secret": "x" * 256}, "secret"),
        ({"since": Timestamp(seconds=1 << 60)}, "since"),
        ({"since": Timestamp(nanos=-1)}, "since"),
    ],
)
def test_a_filter_that_nothing_can_match_is_refused(
    operator: Client, wanted: dict[str, object], field: str
) -> None:
    with failing("INVALID_FILTER") as found:
        read(operator, **wanted)
    assert found[0].violations[0].field == field


def test_more_entries_than_one_answer_takes_come_in_several(operator: Client) -> None:
    put(operator, "a")
    names = ["a"] * 400
    for _ in range(3):
        operator.secrets.ResolveSecrets(secrets_pb2.ResolveSecretsRequest(names=names))
    answers = list(operator.audit.ReadAudit(pb.ReadAuditRequest(action="get")))
    assert [len(answer.entries) for answer in answers] == [500, 500, 200]


def test_the_deployer_may_not_read_and_its_attempts_are_written(
    config: Config, operator: Client
) -> None:
    channel = client.channel(config.runtime_dir / "deployer/grpc.sock", "deployer/1")
    stub = audit_pb2_grpc.AuditServiceStub(channel)
    with failing("NOT_PERMITTED"):
        list(stub.ReadAudit(pb.ReadAuditRequest()))
    with failing("NOT_PERMITTED"):
        stub.VerifyAudit(pb.VerifyAuditRequest())
    channel.close()
    refused = read(operator, outcome="NOT_PERMITTED")
    assert [(one.principal, one.process) for one in refused] == [("svc:deployer", "deployer/1")] * 2
    assert len({one.request_id for one in refused} - {""}) == 2


def test_a_follower_gets_what_is_there_and_what_comes(
    operator: Client,
) -> None:
    put(operator, "before")
    call = Reading(operator, limit=1, follow=True)
    assert [one.secret for one in next(call).entries] == ["before"]
    for number in range(50):
        put(operator, f"s{number}")
    seen: list[str] = []
    while len(seen) < 50:
        seen += [one.secret for one in next(call).entries]
    assert seen == [f"s{number}" for number in range(50)]
    call.cancel()


def begins_to_follow(operator: Client) -> bool:
    call = Reading(operator, limit=1, follow=True)
    try:
        next(call)
    except grpc.RpcError:
        return False
    call.cancel()
    return True


def test_a_slot_is_free_soon_after_its_client_has_gone(operator: Client) -> None:
    put(operator, "a")
    calls = [Reading(operator, limit=1, follow=True) for _ in range(LIMIT)]
    for call in calls:
        next(call)
    with failing("TOO_MANY_WATCHES"):
        next(Reading(operator, limit=1, follow=True))
    assert len(read(operator)) == 1  # reading alone needs no slot
    for call in calls:
        call.cancel()
    wait_until(lambda: begins_to_follow(operator), within=20)  # a stalled client has 30 s


def test_a_service_that_stops_ends_its_followers_at_once(config: Config) -> None:
    with serving(config):
        operator = connect(config, "operator")
        put(operator, "a")
        call = Reading(operator, follow=True)
        next(call)
    with failing("WATCH_ENDED"):  # a call that used up its grace is cancelled without a reason
        next(call)
    operator.channel.close()


def verify(operator: Client) -> pb.VerifyAuditResponse:
    return operator.audit.VerifyAudit(pb.VerifyAuditRequest())


def test_a_whole_log_is_intact_and_compared_with_the_anchor(operator: Client) -> None:
    put(operator, "a")
    found = verify(operator)
    assert (found.intact, found.anchored, found.files, found.problem) == (True, True, 1, "")
    assert found.lines == len(read(operator))
    assert found.first_time.ToSeconds() > 0


def test_an_edited_line_of_an_earlier_file_is_named(config: Config) -> None:
    config.state_dir.mkdir()
    log = AuditFile(
        path=config.state_dir / "audit.log", clock=lambda: datetime.now(UTC), size=SMALL
    )
    for _ in range(30):
        log.record([AuditEntry(Caller("operator:root"), Action.GET, "a")])
    log.close()
    with serving(config):
        operator = connect(config, "operator")
        assert verify(operator).intact
        rotated = sorted(config.state_dir.glob("audit-*.log"))
        assert len(rotated) == 2
        lines = rotated[1].read_bytes().splitlines(keepends=True)
        lines[2] = lines[2].replace(b'"get"', b'"put"')
        rotated[1].write_bytes(b"".join(lines))
        found = verify(operator)
        operator.channel.close()
    assert not found.intact
    assert (found.file, found.line) == (rotated[1].name, 3)
    assert "was changed after it was written" in found.problem


def test_a_line_that_cannot_be_read_is_told_after_those_before_it(
    config: Config, operator: Client
) -> None:
    for name in ("a", "b", "c"):
        put(operator, name)
    path = config.state_dir / "audit.log"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[-1] = b"?" * (len(lines[-1]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))
    call = Reading(operator, action="put")
    assert [one.secret for one in next(call).entries] == ["a", "b"]
    with failing("AUDIT_LOG_BROKEN"):
        next(call)


@pytest.fixture
def truncated(config: Config) -> Path:
    """The log of a stopped service, whose last lines somebody has cut off."""
    with serving(config):
        operator = connect(config, "operator")
        for name in ("a", "b", "c"):
            put(operator, name)
        operator.channel.close()
    path = config.state_dir / "audit.log"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    return path


def status(operator: Client) -> store_pb2.GetStoreStatusResponse:
    return operator.store.GetStoreStatus(store_pb2.GetStoreStatusRequest())


def test_a_service_with_a_truncated_log_starts_sealed_and_is_helped_by_the_operator(
    config: Config, truncated: Path
) -> None:
    with serving(config):
        operator = connect(config, "operator")
        assert (status(operator).sealed, status(operator).seal_reason) == (True, "AUDIT_LOG_BROKEN")
        assert "missing at its end" in status(operator).seal_why
        found = verify(operator)
        assert (found.intact, found.anchored, found.file) == (False, True, "audit.log")
        assert len(read(operator)) > 0  # what is left can be read
        done = operator.store.UnsealStore(store_pb2.UnsealStoreRequest(begin_audit_log=True))
        [aside] = done.set_aside
        assert aside.startswith("audit.log.broken-")
        assert (config.state_dir / aside).exists()
        assert not status(operator).sealed
        assert verify(operator).intact
        first, *_ = read(operator)
        assert (first.action, first.principal) == ("begin-log", "operator:root")
        put(operator, "d")
        operator.channel.close()
    with serving(config):  # and stays so
        operator = connect(config, "operator")
        assert verify(operator).intact
        assert not status(operator).sealed
        operator.channel.close()


def test_a_process_with_a_broken_log_goes_on_running(config: Config, truncated: Path) -> None:
    truncated.write_bytes(b"nothing that was ever written\n")
    process = start_process(config)
    operator = wait_until_serving(config, process)
    assert status(operator).seal_reason == "AUDIT_LOG_BROKEN"
    with failing("STORE_SEALED"):
        operator.secrets.GetSecret(secrets_pb2.GetSecretRequest(name="a"))
    operator.channel.close()
    process.terminate()
    assert process.wait(60) == 0


def test_lines_are_whole_and_in_order_after_many_clients_wrote_at_once(
    operator: Client,
) -> None:
    put(operator, "a")

    def work() -> None:
        for _ in range(25):
            operator.secrets.GetSecret(secrets_pb2.GetSecretRequest(name="a"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(operator).intact
    entries = read(operator)
    assert [one.seq for one in entries] == list(range(1, len(entries) + 1))
    assert len([one for one in entries if one.action == "get"]) == 200
