"""The long runs, on the same service and by the same helpers as the contract tests."""

from contract.secrets.conftest import config

__all__ = ["config"]
