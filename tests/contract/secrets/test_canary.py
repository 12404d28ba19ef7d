"""A value that is stored must appear nowhere but in the answer to whoever may have it."""

import base64
import logging
import subprocess
import traceback
from typing import Any

import pytest
from contract.secrets.conftest import Ask, Client, start_process, wait_until_serving
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import LegerError
from leger_secrets.config import Config

CANARY = b"correct-horse-battery-staple"
RECIPES = [
    pb.Recipe(password=pb.Recipe.Password(symbols=True)),
    pb.Recipe(token=pb.Recipe.Token(prefix="sk-")),
    *(
        pb.Recipe(private_key=pb.Recipe.PrivateKey(algorithm=algorithm))
        for algorithm in pb.Recipe.PrivateKey.Algorithm.values()
    ),
    pb.Recipe(private_key=pb.Recipe.PrivateKey(openssh=True)),
]


def exercise(operator: Client) -> list[str]:
    """Do everything that could show the value, failures included; return the errors' texts."""
    secrets = operator.secrets
    secrets.PutSecret(pb.PutSecretRequest(name="a", value=CANARY))
    secrets.PutSecret(pb.PutSecretRequest(name="a", value=CANARY + b"2"))
    assert secrets.GetSecret(pb.GetSecretRequest(name="a")).value == CANARY
    secrets.ResolveSecrets(pb.ResolveSecretsRequest(names=["a"]))
    item = pb.ImportSecretsRequest.Item(name="imported", value=CANARY)
    for dry_run in (True, False):
        secrets.ImportSecrets(pb.ImportSecretsRequest(secrets=[item], dry_run=dry_run))
    failing = [
        lambda: secrets.PutSecret(pb.PutSecretRequest(name="", value=CANARY)),
        lambda: secrets.PutSecret(pb.PutSecretRequest(name="b", value=CANARY * 40_000)),
        lambda: secrets.CreateSecretVersion(
            pb.CreateSecretVersionRequest(name="a", version=1, value=CANARY)
        ),
        lambda: secrets.CreateSecretVersion(pb.CreateSecretVersionRequest(name="a", value=CANARY)),
        lambda: secrets.ImportSecrets(pb.ImportSecretsRequest(secrets=[item, item])),
    ]
    texts = []
    for request in failing:
        with pytest.raises(LegerError) as caught:
            client.call(request)
        error = caught.value
        texts += traceback.format_exception(error)
        texts += [error.what, error.why, error.next_step, repr(error), repr(error.violations)]
    return texts


def forms(value: bytes) -> list[bytes]:
    return [value, base64.b64encode(value), value.hex().encode(), repr(value).encode()[2:-1]]


def assert_absent(content: bytes, where: str, value: bytes = CANARY) -> None:
    for form in forms(value):
        assert form not in content, where


def test_no_error_no_log_and_no_file_shows_a_value(
    config: Config, operator: Client, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        texts = exercise(operator)
        ask("web.service", "a")
    assert_absent("\n".join(texts).encode(), "an error")
    assert_absent(caplog.text.encode(), "the log")
    files = [path for path in config.state_dir.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"audit.log", "secrets.db", "secrets.db-wal"}
    for path in files:
        assert_absent(path.read_bytes(), path.name)


def test_a_generated_value_is_seen_by_nobody_but_whoever_gets_it(
    config: Config, operator: Client, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = operator.secrets
    shown: list[object] = []
    values: list[bytes] = []
    with caplog.at_level(logging.DEBUG):
        for recipe in RECIPES:
            request = pb.GenerateSecretRequest(name="a", recipe=recipe, activate=True)
            shown.append(secrets.GenerateSecret(request))
            values.append(secrets.GetSecret(pb.GetSecretRequest(name="a")).value)
        shown.append(secrets.GetSecretInfo(pb.GetSecretInfoRequest(name="a")))
        shown.append(secrets.ListSecrets(pb.ListSecretsRequest()))
        watching: Any = secrets.WatchSecrets(pb.WatchSecretsRequest())
        shown += [next(watching) for _ in range(2 * len(RECIPES))]
        watching.cancel()
    files = [path for path in config.state_dir.rglob("*") if path.is_file()]
    for value in values:
        # Of a key, each line without what every key of its kind begins with.
        parts = {line[24:] or value for line in value.splitlines() if b"-----" not in line}
        for part in parts:
            assert_absent(str(shown).encode(), "an answer", part)
            assert_absent(caplog.text.encode(), "the log", part)
            for path in files:
                assert_absent(path.read_bytes(), path.name, part)


def test_the_process_shows_a_value_neither_while_it_runs_nor_when_it_ends(config: Config) -> None:
    process = start_process(config)
    operator = wait_until_serving(config, process)
    exercise(operator)
    for name in ("cmdline", "environ"):
        with open(f"/proc/{process.pid}/{name}", "rb") as file:  # noqa: PTH123
            assert_absent(file.read(), name)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert_absent(out + err, "its output")
    assert process.returncode == 0
    for path in config.state_dir.iterdir():
        assert_absent(path.read_bytes(), path.name)
    assert not list(config.state_dir.glob("core*"))


def test_another_process_of_the_same_user_may_not_read_the_memory(config: Config) -> None:
    process = start_process(config)
    wait_until_serving(config, process)
    status = subprocess.run(
        ["stat", "-c", "%U", f"/proc/{process.pid}/mem"],
        capture_output=True,
        text=True,
        check=True,
    )
    # Not dumpable: proc(5) gives the files of such a process to root.
    assert status.stdout.strip() == "root"
    process.terminate()
    assert process.wait(timeout=60) == 0
