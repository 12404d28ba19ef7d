"""The deployer service as a process: `python -m leger_deployer`, or `legerd serve deployer`."""

import os
import sys

from leger_runtime import logging as journal_logging
from leger_runtime import process

from leger_deployer import config, wiring
from leger_deployer.service import DeployerService


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code, which is the failure's kind."""
    journal_logging.configure()
    return process.run(_build, name="deployer")


def _build() -> DeployerService:
    # Its files are the operator's alone, but for what containers get to see of a stack.
    os.umask(0o022)
    return wiring.build(config.read(os.environ))


if __name__ == "__main__":
    sys.exit(main())
