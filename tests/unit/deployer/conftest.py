"""A host behind the ports, new for each test."""

from pathlib import Path

import pytest
from unit.deployer.fakes import FakeHost, new_host


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return new_host(tmp_path)
