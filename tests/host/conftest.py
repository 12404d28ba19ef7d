"""A host with leger, booted once for all tests that do not need one of their own."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))  # hostbox and hostimages, as the executables beside them see them

from hostbox.naming import box_name  # noqa: E402

# The interpreter that leger brings along, for what imports leger's own packages in a box.
PYTHON = "/usr/lib/leger/python/bin/python3 -IS"
SECONDS = 1_800  # that a test may take, with the boot of its host and the images made for it


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            # By a signal, so that a host is still taken down.
            item.add_marker(pytest.mark.timeout(SECONDS, method="signal"))


@dataclass(frozen=True)
class Answer:
    """How a command in a box ended."""

    code: int
    out: str
    err: str


class Host:
    """A box, driven through its command line as a person would."""

    def __init__(self, name: str) -> None:
        self.name = name

    def box(self, verb: str, *arguments: str, stdin: str = "") -> Answer:
        """Run `box VERB --name NAME ARGUMENTS`."""
        done = subprocess.run(
            [str(HERE / "box"), verb, "--name", self.name, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def run(self, command: str, *, user: str = "root", stdin: str = "") -> Answer:
        """Run a shell command line in the box."""
        return self.box("exec", "-u", user, "--", "sh", "-c", command, stdin=stdin)

    def do(self, command: str, *, user: str = "root", stdin: str = "") -> str:
        """Run a shell command line that must succeed, and return what it printed."""
        answer = self.run(command, user=user, stdin=stdin)
        assert answer.code == 0, f"{command}: {answer}"
        return answer.out

    def put(self, name: str, value: str, *, user: str = "root") -> None:
        """Store a secret."""
        self.do(f"leger secrets put {name}", user=user, stdin=value)

    def push_stack(self, name: str, files: dict[str, str], *, owner: str = "root") -> str:
        """Write a stack's directory into the box and return its path."""
        home = "/root" if owner == "root" else f"/home/{owner}"
        directory = f"{home}/stacks/{name}"
        self.do(f"rm -rf {directory} && mkdir -p {directory}", user=owner)
        for path, text in files.items():
            self.do(f"cat > {directory}/{shlex.quote(path)}", user=owner, stdin=text)
        return directory

    def status(self, *, user: str = "root") -> dict[str, dict[str, Any]]:
        """Return the services of `leger status --json`, by name."""
        answer = json.loads(self.do("leger status --json", user=user))
        return {service["service"]: service for service in answer["services"]}

    def service_images(self, *, user: str = "root") -> set[str]:
        """Return the images of leger's services that podman has."""
        form = "{{.Repository}}:{{.Tag}}"
        command = f"podman images --format '{form}' localhost/leger/services"
        return set(self.do(command, user=user).split())

    def wait(self, command: str, *, user: str = "root", seconds: float = 120) -> Answer:
        """Run a command until it succeeds."""
        deadline = time.monotonic() + seconds
        while (answer := self.run(command, user=user)).code != 0:
            assert time.monotonic() < deadline, f"not within {seconds} s: {command}: {answer}"
            time.sleep(0.3)
        return answer

    def assert_nowhere_on_disk(self, *values: str) -> None:
        """Search the whole disk for the values, as bytes and as base64."""
        answer = self.box("scan", "-", stdin="\n".join(values))
        assert answer.code == 0, answer.out + answer.err


@pytest.fixture(scope="session")
def images() -> dict[str, Any]:
    """The images of examples/notes: a store for the system scope, archives for users."""
    answer = subprocess.run([str(HERE / "images"), "notes"], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


@pytest.fixture(scope="session")
def host(images: dict[str, Any], worker_id: str) -> Iterator[Host]:
    """A host with leger in the system scope; tests leave no stack on it."""
    host = Host(box_name(f"test-{worker_id}"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    yield host
    host.box("down")
