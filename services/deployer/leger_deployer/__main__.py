"""The deployer service as a process: `python -m leger_deployer`, or `legerd serve deployer`."""

import logging
import os
import sys

from leger_runtime import logging as journal_logging
from leger_runtime import notify
from leger_runtime.errors import Kind, LegerError
from leger_runtime.server import wait_for_termination

from leger_deployer import config, wiring

log = logging.getLogger("leger_deployer")


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
                "The deployer service cannot run.",
                why=f"{error.strerror or type(error).__name__}: {error.filename or 'a socket'}.",
                next_step="Correct that on the host, then start it again.",
            )
        )
    return 0


def _serve() -> None:
    # Its files are the operator's alone, but for what containers get to see of a stack.
    os.umask(0o022)
    service = wiring.build(config.read(os.environ))
    service.start()
    try:
        notify.notify("READY=1\nSTATUS=Deploying stacks.")
        wait_for_termination()
        notify.notify("STOPPING=1")
    finally:
        service.stop()


def _fail(error: LegerError) -> int:
    for part in (error.what, error.why, error.next_step):
        log.critical(part)
    return error.kind.value


if __name__ == "__main__":
    sys.exit(main())
