"""The long runs, on the same service and by the same helpers as the contract tests."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from contract.secrets.conftest import config

__all__ = ["config"]

SECONDS = 3_600  # that a test may take


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(SECONDS))
