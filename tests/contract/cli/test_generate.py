"""`leger secrets generate`."""

import base64
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store
from cryptography.hazmat.primitives import serialization


def test_a_value_is_made_and_not_shown(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "generate", "session_key")
    assert (done.code, done.out, done.err) == (0, "session_key: version 1 made and active\n", "")
    value = secrets.active()["session_key"]
    assert len(base64.urlsafe_b64decode(value + b"=")) == 32


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (["--password"], r"[A-Za-z0-9]{32}"),
        (["--password", "--length", "40", "--symbols"], r"[A-Za-z0-9._~-]{40}"),
        (["--token", "--bytes", "16", "--encoding", "hex", "--prefix", "sk-"], r"sk-[0-9a-f]{32}"),
        (["--encoding", "base64"], r"[A-Za-z0-9+/]{43}="),
    ],
)
def test_a_recipe_says_how_it_is_made(
    leger: Leger, secrets: Store, options: list[str], pattern: str
) -> None:
    assert leger.run("secrets", "generate", "x", *options).code == 0
    assert re.fullmatch(pattern, secrets.active()["x"].decode())


def test_a_loop_over_a_file_keeps_its_other_lines(leger: Leger, secrets: Store) -> None:
    file, lines = os.pipe()
    os.write(lines, b"second\n")
    os.close(lines)
    subprocess.run(
        leger.command(["secrets", "generate", "x"]), stdin=file, env=leger.environment, check=True
    )
    assert os.read(file, 100) == b"second\n"
    os.close(file)


def test_of_a_key_the_public_half_is_the_output(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "generate", "x", "--key", "p256")
    assert (done.code, done.err) == (0, "x: version 1 made and active\n")
    private = serialization.load_pem_private_key(secrets.active()["x"], password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert done.out.encode() == public


def test_ssh_accepts_a_key_in_openssh_format(leger: Leger, secrets: Store, tmp_path: Path) -> None:
    done = leger.run("secrets", "generate", "x", "--key", "ed25519", "--openssh")
    assert len(done.out.splitlines()) == 1
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.active()["x"])
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(key)], capture_output=True, text=True, check=True
    )
    assert derived.stdout.split()[:2] == done.out.split()[:2]


def test_a_version_that_only_waits_says_so(leger: Leger, secrets: Store) -> None:
    secrets.put("x", b"old")
    done = leger.run("secrets", "generate", "x", "--no-activate")
    assert done.out == "x: version 2 made; version 1 is active\n"
    assert done.err == "→ leger secrets activate x 2\n"
    assert secrets.active() == {"x": b"old"}


def test_json_has_the_public_key_and_never_the_value(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "generate", "x", "--json")
    assert json.loads(done.out)["public_key"] is None
    assert secrets.active()["x"].decode() not in done.out


def test_what_the_service_cannot_make_is_invalid(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "generate", "x", "--key", "x25519", "--openssh", "--json")
    assert done.code == 7
    assert json.loads(done.err)["error"]["reason"] == "INVALID_RECIPE"
