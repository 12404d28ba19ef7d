"""The secrets service as a process: `python -m leger_secrets`, or `legerd serve secrets`."""

import logging
import os
import sys

from leger_runtime import logging as journal_logging
from leger_runtime import process

from leger_secrets import config, wiring
from leger_secrets.adapters.process import harden

log = logging.getLogger("leger_secrets")


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code, which is the failure's kind."""
    journal_logging.configure()
    return process.run(_build, name="secrets", status="Serving secrets.")


def _build() -> wiring.SecretsService:
    for weakness in harden():
        log.warning(weakness)
    return wiring.build(config.read(os.environ))


if __name__ == "__main__":
    sys.exit(main())
