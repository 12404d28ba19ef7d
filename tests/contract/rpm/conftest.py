"""A bucket for each test; packages and a key, made once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import publish_bucket
import pytest
import rpm_samples
import signing
from contract.rpm.objectstore import Gate, ObjectStore, object_store
from publish_bucket import S3Bucket


@dataclass(frozen=True)
class Store:
    """A bucket of its own, and the way to it."""

    name: str
    bucket: S3Bucket
    objects: Path
    """Where the server keeps them, each in a file named by its key."""
    gate: Gate
    client: Any

    def path(self, key: object) -> str:
        """Return an object's path, as the gate is told it."""
        return f"{self.name}/{key}"


@pytest.fixture(scope="session")
def server() -> Iterator[ObjectStore]:
    """A real S3-compatible server, which the environment leads to."""
    with object_store() as server, pytest.MonkeyPatch.context() as environment:
        for name, value in server.environment.items():
            environment.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def client(server: ObjectStore) -> Any:
    """The client of that server."""
    return publish_bucket.connect()


@pytest.fixture
def store(server: ObjectStore, client: Any) -> Iterator[Store]:
    """An empty bucket."""
    name = f"packages-{len(list(server.buckets.iterdir()))}"
    objects = server.buckets / name
    objects.mkdir()
    yield Store(name, S3Bucket(name, client), objects, server.gate, client)
    server.gate.release()


@pytest.fixture(scope="session")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample package in versions 1, 2 and 3, unsigned."""
    directory = tmp_path_factory.mktemp("rpms")
    return {version: rpm_samples.build(directory, version) for version in ("1", "2", "3")}


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[signing.SigningKey]:
    """A key of a release's shape."""
    with rpm_samples.opened(rpm_samples.make_key(tmp_path_factory.mktemp("key"))) as key:
        yield key
