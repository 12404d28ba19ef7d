"""Killed at random instants under load, the service loses nothing that it acknowledged."""

import os
import random
import threading
import time
from pathlib import Path

import grpc
from contract.secrets.conftest import Client, connect, serving, start_process, wait_until_serving
from leger.secrets.v1 import secrets_pb2 as pb
from leger_secrets.adapters import audit_chain
from leger_secrets.config import Config

KILLS = 20
WRITERS = 4


class Writer(threading.Thread):
    """Puts values into a secret of its own until the service is gone."""

    def __init__(self, operator: Client, name: str, acknowledged: dict[int, bytes]) -> None:
        super().__init__(daemon=True)
        self._secrets = operator.secrets
        self._secret = name
        self._acknowledged = acknowledged

    def run(self) -> None:
        while True:
            value = os.urandom(random.choice([8, 5000]))
            try:
                put = self._secrets.PutSecret(
                    pb.PutSecretRequest(name=self._secret, value=value, activate=True), timeout=10
                )
                self._acknowledged[put.version] = value
                self._secrets.GetSecret(pb.GetSecretRequest(name=self._secret), timeout=10)
            except grpc.RpcError:
                return


def test_every_acknowledged_put_survives_being_killed(config: Config) -> None:
    acknowledged: dict[str, dict[int, bytes]] = {f"s{n}": {} for n in range(WRITERS)}
    for _ in range(KILLS):
        process = start_process(config)
        operator = wait_until_serving(config, process)
        writers = [Writer(operator, name, kept) for name, kept in acknowledged.items()]
        for writer in writers:
            writer.start()
        time.sleep(random.uniform(0.02, 0.15))
        process.kill()
        process.communicate()
        for writer in writers:
            writer.join(timeout=20)
        operator.channel.close()

    assert sum(map(len, acknowledged.values())) > KILLS
    lines = whole_chain(config.state_dir / "audit.log")
    with serving(config):
        operator = connect(config, "operator")
        for name, kept in acknowledged.items():
            for version, value in kept.items():
                got = operator.secrets.GetSecret(pb.GetSecretRequest(name=name, version=version))
                assert got.value == value
                # Nothing was answered that is not in the log.
                assert f'"action":"put","secret":"{name}","version":{version},' in lines
            assert_no_half_state(operator, name, max(kept, default=0))


def assert_no_half_state(operator: Client, name: str, latest: int) -> None:
    """At most one put was stored without its answer getting out, for each kill."""
    info = operator.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name=name)).secret
    numbers = [version.version for version in info.versions]
    assert numbers == list(range(1, numbers[-1] + 1))
    assert latest <= numbers[-1] <= latest + 1
    assert info.active_version == numbers[-1]


def whole_chain(path: Path) -> str:
    """Check the whole chain, but for a torn last line, and return the log."""
    content = path.read_bytes()
    lines = content.split(b"\n")[:-1]
    audit_chain.follow(lines, start=audit_chain.GENESIS)
    return content.decode(errors="replace")
