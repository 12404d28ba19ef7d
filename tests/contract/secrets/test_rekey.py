"""Re-keying: the whole store under another key while it serves, and a kill at every step of it."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from contract.secrets.conftest import Client, start_process, wait_until, wait_until_serving
from contract.secrets.test_sealing import PASSPHRASE, call, get, put, running, status, store_key
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import store_pb2
from leger_secrets.adapters import sqlcipher
from leger_secrets.config import Config
from leger_secrets.domain.sealing_errors import StoreKeyWrong
from unit.secrets.disks import small_disk


def rekey(operator: Client) -> int:
    return operator.store.RekeyStore(store_pb2.RekeyStoreRequest()).pages


def test_everything_is_there_under_another_key_and_nothing_under_the_old(
    config: Config, operator: Client
) -> None:
    for number in range(50):
        put(operator, f"s{number}", os.urandom(500))
    put(operator)
    before, key_time = store_key(config), status(operator).key_time.ToDatetime()
    old_file = (config.state_dir / "secrets.db").read_bytes()
    assert rekey(operator) > 10
    assert get(operator) == b"a value"
    assert status(operator).key_time.ToDatetime() > key_time
    assert status(operator).secrets == 51
    assert store_key(config) != before
    with pytest.raises(StoreKeyWrong):
        sqlcipher.connect(config.state_dir / "secrets.db", before, writable=False)
    new_file = (config.state_dir / "secrets.db").read_bytes()
    pages = {old_file[at : at + 4096] for at in range(0, len(old_file), 4096)}
    assert not any(new_file[at : at + 4096] in pages for at in range(0, len(new_file), 4096))
    assert not (config.state_dir / "secrets.db.rekeyed").exists()


def test_the_audit_log_says_it_and_the_store_opens_after_a_restart(config: Config) -> None:
    with running(config) as operator:
        put(operator)
        rekey(operator)
        rekey(operator)
    assert (config.state_dir / "audit.log").read_text().count('"action":"rekey"') == 2
    with running(config) as operator:
        assert get(operator) == b"a value"


def test_a_sealed_store_is_not_rekeyed(operator: Client) -> None:
    operator.store.SealStore(store_pb2.SealStoreRequest())
    assert call(lambda: rekey(operator)).reason == "STORE_SEALED"


def test_a_watch_goes_on(operator: Client) -> None:
    put(operator)
    revision = status(operator).revision
    events = iter(operator.secrets.WatchSecrets(pb.WatchSecretsRequest(after_revision=revision)))
    put(operator, "before")
    assert next(events).name == "before"
    rekey(operator)
    put(operator, "after")
    names = [event.name for event in (next(events), next(events))]
    assert names == ["before", "after"]


def test_nobody_notices_but_by_waiting(operator: Client) -> None:
    """Readers and writers beside one re-keying after another: not one fails."""
    put(operator)
    done, failures = threading.Event(), []
    written = [0] * 3

    def use(number: int) -> None:
        try:
            while not done.is_set():
                written[number] += 1
                value = str(written[number]).encode()
                put(operator, f"w{number}", value)
                assert get(operator, f"w{number}") == value
        except BaseException as error:
            failures.append(error)

    users = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    for user in users:
        user.start()
    rekeyed = 0
    while not failures and (rekeyed < 10 or min(written) <= 3):
        rekey(operator)
        rekeyed += 1
    done.set()
    for user in users:
        user.join(timeout=30)
    assert not failures
    for number in range(3):
        assert get(operator, f"w{number}") == str(written[number]).encode()


def test_a_full_disk_changes_nothing(config: Config, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        on_it = replace(config, state_dir=disk.path / "state")
        with running(on_it) as operator:
            for number in range(8):
                put(operator, f"s{number}", os.urandom(100_000))
            before = store_key(on_it)
            disk.fill()
            assert call(lambda: rekey(operator)).kind.name == "UNAVAILABLE"
            disk.free()
            assert get(operator, "s7")
            assert store_key(on_it) == before
            assert rekey(operator)
            assert get(operator, "s7")
        with running(on_it) as operator:
            assert get(operator, "s7")


def test_a_missing_root_key_changes_nothing(config: Config, operator: Client) -> None:
    put(operator)
    operator.store.RekeyStore(store_pb2.RekeyStoreRequest(passphrase=PASSPHRASE))
    config.key_file.unlink()
    request = store_pb2.RekeyStoreRequest(root_key=True)
    assert call(lambda: operator.store.RekeyStore(request)).reason == "STORE_KEY_MISSING"
    assert status(operator).unlock == store_pb2.UNLOCK_PASSPHRASE
    assert get(operator) == b"a value"
    assert rekey(operator)


def dying_rekey(config: Config, step: int) -> list[str]:
    """Re-key until that step; return what was confirmed before."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "contract.secrets.dying_rekey",
            config.state_dir,
            config.key_file,
            str(step),
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        timeout=60,
    )
    lines = done.stdout.decode().splitlines()
    assert done.returncode == (0 if "done" in lines else -9)
    return lines


def confirmed(lines: list[str]) -> Iterator[tuple[str, int]]:
    for line in lines:
        name, _, number = line.partition(" ")
        if number.isdecimal():
            yield name, int(number)


def test_killed_at_any_step_the_store_opens_with_everything_in_it(config: Config) -> None:
    with running(config) as operator:
        put(operator)
    kept: list[tuple[str, int]] = []
    for step in range(1, 1000):
        lines = dying_rekey(config, step)
        kept += confirmed(lines)
        if "done" in lines:
            break
    assert step > 20
    with running(config) as operator:
        assert get(operator) == b"a value"
        assert not (config.state_dir / "secrets.db.rekeyed").exists()
        for name, number in kept:
            request = pb.GetSecretRequest(name=name, version=number)
            assert operator.secrets.GetSecret(request).value == f"{name}-{number}".encode()


class Killed:
    """A service that is written to and re-keyed all the time, and what it acknowledged."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.acknowledged: list[tuple[int, bytes]] = []  # a number twice is a lost write

    def run(self, seconds: float) -> None:
        """Start it, and kill it that long after it acknowledged a first write."""
        process = start_process(self._config)
        operator = wait_until_serving(self._config, process)
        users = [
            threading.Thread(target=use, args=(operator,), daemon=True)
            for use in (self._write, self._rekey)
        ]
        before = len(self.acknowledged)
        for user in users:
            user.start()
        wait_until(lambda: len(self.acknowledged) > before, process)
        time.sleep(seconds)
        process.kill()
        process.communicate()
        for user in users:
            user.join(timeout=30)
        operator.channel.close()

    def _write(self, operator: Client) -> None:
        with suppress(grpc.RpcError):
            while True:
                value = os.urandom(random.choice([8, 5000]))
                request = pb.PutSecretRequest(name="a", value=value, activate=True)
                put = operator.secrets.PutSecret(request, timeout=30)
                self.acknowledged.append((put.version, value))

    def _rekey(self, operator: Client) -> None:
        with suppress(grpc.RpcError):
            while True:
                rekey(operator)


def assert_nothing_is_lost(config: Config, *, kills: int) -> None:
    """Kill the service that often at a random instant; everything acknowledged is there then."""
    killed = Killed(config)
    for _ in range(kills):
        killed.run(random.uniform(0.02, 0.2))
    assert len(killed.acknowledged) >= kills
    with running(config) as operator:
        assert not status(operator).sealed, status(operator)
        for version, value in killed.acknowledged:
            request = pb.GetSecretRequest(name="a", version=version)
            assert operator.secrets.GetSecret(request).value == value


def test_killed_at_random_instants_it_loses_no_acknowledged_write(config: Config) -> None:
    assert_nothing_is_lost(config, kills=15)
