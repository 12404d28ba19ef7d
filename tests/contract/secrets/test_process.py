"""The service as a process: its start, its end, and a disk that fills up."""

import os
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from contract.secrets.conftest import (
    Client,
    connect,
    serving,
    start_process,
    wait_until,
    wait_until_serving,
)
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import Kind, LegerError
from leger_secrets.config import Config
from unit.secrets.disks import small_disk


def failed_start(config: Config, **variables: str) -> tuple[int, list[str]]:
    """Start the service where it cannot; return its exit code and the lines it prints."""
    process = start_process(config, **variables)
    out, err = process.communicate(timeout=60)
    assert out == b""
    assert b"Traceback" not in err
    lines = [line for line in err.decode().splitlines() if not line.startswith("<4>")]
    assert all(line.startswith("<2>") for line in lines)
    return process.returncode, [line.removeprefix("<2>") for line in lines]


def test_readiness_is_told_once_the_sockets_listen(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(60)
        process = start_process(config, NOTIFY_SOCKET=str(path))
        assert notify.recv(4096).decode().splitlines()[0] == "READY=1"
        connect(config, "operator").secrets.ListSecrets(pb.ListSecretsRequest())
        process.terminate()
        assert notify.recv(4096) == b"STOPPING=1"
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gracefully(config: Config, stop: signal.Signals) -> None:
    process = start_process(config)
    wait_until_serving(config, process)
    process.send_signal(stop)
    assert process.wait(timeout=60) == 0
    assert not list(config.runtime_dir.rglob("*.sock"))
    # The write-ahead log is folded into the database.
    assert not list(config.state_dir.glob("*-wal"))


def test_it_starts_again_over_the_sockets_of_a_killed_one(config: Config) -> None:
    process = start_process(config)
    wait_until_serving(config, process)
    process.kill()
    process.wait()
    assert list(config.runtime_dir.rglob("*.sock"))
    with serving(config):
        connect(config, "operator").secrets.ListSecrets(pb.ListSecretsRequest())


def test_a_second_service_on_the_same_state_is_refused(config: Config, tmp_path: Path) -> None:
    with serving(config):
        code, lines = failed_start(replace(config, runtime_dir=tmp_path / "run2"))
    assert code == Kind.CONFLICT.value
    assert lines[1] == "Another process has locked it."


def test_a_state_directory_that_cannot_be_written_is_named(config: Config) -> None:
    config.state_dir.parent.joinpath("file").write_text("")
    unusable = replace(config, state_dir=config.state_dir.parent / "file/state")
    code, lines = failed_start(unusable)
    assert code == Kind.UNAVAILABLE.value
    assert lines[:2] == [
        f"The directory {unusable.state_dir} cannot be used.",
        "Making it or writing to it fails: Not a directory.",
    ]


def test_a_socket_that_cannot_be_bound_ends_the_start(config: Config) -> None:
    (config.runtime_dir / "credentials.sock").mkdir(parents=True)
    code, lines = failed_start(config)
    assert code == Kind.UNAVAILABLE.value
    assert lines[0] == "The secrets service cannot run."
    assert lines[1] == f"Is a directory: {config.runtime_dir}/credentials.sock."
    assert not list(config.runtime_dir.rglob("grpc.sock"))


def test_told_to_end_while_it_starts_it_ends_gracefully(config: Config) -> None:
    process = start_process(config)
    wait_until(config.state_dir.exists, process)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_an_unknown_variable_is_a_usage_error(config: Config) -> None:
    code, lines = failed_start(config, LEGER_KEYFILE="/x")
    assert code == Kind.USAGE.value
    assert lines[2] == "Perhaps LEGER_KEY_FILE is meant; else remove it."


def test_it_needs_less_than_90_megabytes(config: Config) -> None:
    process = start_process(config)
    operator = wait_until_serving(config, process)
    for number in range(200):
        operator.secrets.PutSecret(pb.PutSecretRequest(name=f"s{number}", value=os.urandom(64)))
        operator.secrets.GetSecret(pb.GetSecretRequest(name=f"s{number}"))
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    [resident] = [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
    process.terminate()
    process.wait()
    assert resident < 90_000


def put(operator: Client, value: bytes) -> int:
    request = pb.PutSecretRequest(name="a", value=value, activate=True)
    return client.call(lambda: operator.secrets.PutSecret(request)).version


def test_a_full_disk_refuses_changes_nothing_and_is_survived(
    config: Config, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        on_it = replace(config, state_dir=disk.path / "state")
        with serving(on_it):
            operator = connect(on_it, "operator")
            assert put(operator, b"one") == 1
            disk.fill()
            for _ in range(40):  # the last block of the audit log has room for some lines
                with pytest.raises(LegerError) as caught:
                    put(operator, os.urandom(200_000))
                assert caught.value.kind is Kind.UNAVAILABLE
                assert "No space left on device" in caught.value.why
            assert caught.value.reason == "AUDIT_UNAVAILABLE"
            disk.free()
            got = operator.secrets.GetSecret(pb.GetSecretRequest(name="a"))
            assert (got.value, got.version) == (b"one", 1)
            assert put(operator, b"two") == 2
        assert subprocess.run(["test", "-s", on_it.state_dir / "audit.log"]).returncode == 0
