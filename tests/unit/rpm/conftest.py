"""Packages and a key, made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import rpm_samples
import signing


@pytest.fixture(scope="session")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample package in versions 1 and 2, unsigned."""
    directory = tmp_path_factory.mktemp("rpms")
    return {version: rpm_samples.build(directory, version) for version in ("1", "2")}


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[signing.SigningKey]:
    """A key of a release's shape."""
    with rpm_samples.opened(rpm_samples.make_key(tmp_path_factory.mktemp("key"))) as key:
        yield key
