"""Killed at random instants under load, the service loses nothing that it acknowledged."""

import os
import random
import threading
import time
from functools import partial

import grpc
from contract.secrets.conftest import (
    Client,
    connect,
    serving,
    start_process,
    wait_until,
    wait_until_serving,
)
from leger.secrets.v1 import audit_pb2
from leger.secrets.v1 import secrets_pb2 as pb
from leger_secrets.config import Config

KILLS = 20
WRITERS = 4

Answered = list[tuple[int, bytes]]  # versions, in the order of their puts: none is there twice


class Writer(threading.Thread):
    """Puts values into a secret of its own until the service is gone."""

    def __init__(self, operator: Client, name: str, acknowledged: Answered) -> None:
        super().__init__(daemon=True)
        self._secrets = operator.secrets
        self._secret = name
        self._acknowledged = acknowledged
        self.was_answered = False

    def run(self) -> None:
        while True:
            value = os.urandom(random.choice([8, 5000]))
            try:
                put = self._secrets.PutSecret(
                    pb.PutSecretRequest(name=self._secret, value=value, activate=True), timeout=30
                )
                self._acknowledged.append((put.version, value))
                self.was_answered = True
                self._secrets.GetSecret(pb.GetSecretRequest(name=self._secret), timeout=30)
            except grpc.RpcError:
                return


def were_answered(writers: list[Writer]) -> bool:
    return all(writer.was_answered for writer in writers)


def test_every_acknowledged_put_survives_being_killed(config: Config) -> None:
    assert_nothing_is_lost(config, kills=KILLS)


def assert_nothing_is_lost(config: Config, *, kills: int) -> None:
    """Kill the service so many times, each under load, then look for all that it acknowledged."""
    acknowledged: dict[str, Answered] = {f"s{n}": [] for n in range(WRITERS)}
    for _ in range(kills):
        process = start_process(config)
        operator = wait_until_serving(config, process)
        writers = [Writer(operator, name, kept) for name, kept in acknowledged.items()]
        for writer in writers:
            writer.start()
        wait_until(partial(were_answered, writers), process)
        time.sleep(random.uniform(0.02, 0.15))
        process.kill()
        process.communicate()
        for writer in writers:
            writer.join(timeout=30)
        operator.channel.close()

    with serving(config):
        operator = connect(config, "operator")
        verified = operator.audit.VerifyAudit(audit_pb2.VerifyAuditRequest())
        assert (verified.intact, verified.anchored) == (True, True), verified.problem
        written = puts_in_the_log(operator)
        for name, kept in acknowledged.items():
            for version, value in kept:
                got = operator.secrets.GetSecret(pb.GetSecretRequest(name=name, version=version))
                assert got.value == value
                # Nothing was answered that is not in the log.
                assert (name, version) in written
            assert_no_half_state(operator, name, max(version for version, _ in kept))


def assert_no_half_state(operator: Client, name: str, latest: int) -> None:
    """At most one put was stored without its answer getting out, for each kill."""
    info = operator.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name=name)).secret
    numbers = [version.version for version in info.versions]
    assert numbers == list(range(1, numbers[-1] + 1))
    assert latest <= numbers[-1] <= latest + 1
    assert info.active_version == numbers[-1]


def puts_in_the_log(operator: Client) -> set[tuple[str, int]]:
    answers = operator.audit.ReadAudit(audit_pb2.ReadAuditRequest(action="put"))
    return {(entry.secret, entry.version) for answer in answers for entry in answer.entries}
