"""The secrets service as a process: `python -m leger_secrets`, or `legerd serve secrets`."""

import logging
import os
import sys

from leger_runtime import logging as journal_logging
from leger_runtime import process

from leger_secrets import config, wiring
from leger_secrets.adapters.process import harden
from leger_secrets.http import activation
from leger_secrets.service import SecretsService

log = logging.getLogger("leger_secrets")


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code, which is the failure's kind."""
    journal_logging.configure()
    return process.run(_build, name="secrets")


def _build() -> SecretsService:
    weaknesses = harden()
    for weakness in weaknesses:
        log.warning(weakness)
    http_sockets = activation.inherited(os.environ)
    return wiring.build(config.read(os.environ), weaknesses=weaknesses, http_sockets=http_sockets)


if __name__ == "__main__":
    sys.exit(main())
