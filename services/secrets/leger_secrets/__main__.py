"""The secrets service as a process: `python -m leger_secrets`, or `legerd serve secrets`."""

import logging
import os
import sys

from leger_runtime import logging as journal_logging
from leger_runtime import notify
from leger_runtime.errors import Kind, LegerError
from leger_runtime.server import termination

from leger_secrets import config, wiring
from leger_secrets.adapters import process

log = logging.getLogger("leger_secrets")


class StartFailed(LegerError):
    """The operating system refused something that the start needs."""

    kind, reason = Kind.UNAVAILABLE, "START_FAILED"


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code, which is the failure's kind."""
    journal_logging.configure()
    try:
        _serve()
    except LegerError as error:
        return _fail(error)
    except OSError as error:
        return _fail(
            StartFailed(
                "The secrets service cannot run.",
                why=f"{error.strerror or type(error).__name__}: {error.filename or 'a socket'}.",
                next_step="Correct that on the host, then start it again.",
            )
        )
    return 0


def _serve() -> None:
    stopped = termination()
    for weakness in process.harden():
        log.warning(weakness)
    service = wiring.build(config.read(os.environ))
    try:
        service.start()
        notify.notify("READY=1\nSTATUS=Serving secrets.")
        stopped.wait()
        notify.notify("STOPPING=1")
    finally:
        service.stop()


def _fail(error: LegerError) -> int:
    for part in (error.what, error.why, error.next_step):
        log.critical(part)
    return error.kind.value


if __name__ == "__main__":
    sys.exit(main())
