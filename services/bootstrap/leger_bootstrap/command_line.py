"""What may stand behind `legerd`, and what is said of anything else."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from leger_runtime.errors import Kind, LegerError
from leger_runtime.version import __version__

UNASKED = "--yes-destroy-all-secrets"


class UsageError(LegerError):
    """The command line is not one that legerd understands."""

    kind, reason = Kind.USAGE, "USAGE"


def read(words: Sequence[str]) -> argparse.Namespace:
    """Return what the words after `legerd` ask for; `help COMMAND` is `COMMAND --help`.

    Raises UsageError, and SystemExit where they asked for words that are printed by then.
    """
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    asked, unknown = _parser().parse_known_args(words)
    if unknown:
        asked.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return asked


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are leger's."""

    def __init__(self, **options: Any) -> None:
        # Else --yes would do for the option that is so long on purpose.
        super().__init__(allow_abbrev=False, **options)
        # Of the command that was read last, which is the one that has words too many.
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().removeprefix("usage:").split())
        message = re.sub(
            r"argument COMMAND: invalid choice: (.*) \(choose.*", r"No such command \1", message
        )
        raise UsageError(
            f"{message[0].upper()}{message[1:].rstrip('.')}.",
            why=f"It is called as `{usage}`.",
            next_step=f"Run `{self.prog} --help`.",
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="legerd",
        description="Prepare this host for leger and run its services. "
        "As root it works on the system scope, as anybody else on that user's.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"legerd {__version__}",
        help="print the version and exit",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    bootstrap = commands.add_parser(
        "bootstrap",
        help="load the image, make the store's key once, place the units, start the pod",
        description="Bring up leger's services on this host. Safe to run again. A version, or a"
        " configuration, that is not well is taken back: what was before serves on.",
    )
    bootstrap.add_argument(
        "--retry", action="store_true", help="try again what was taken back before"
    )
    state = commands.add_parser(
        "status",
        help="say which version is installed, and which runs",
        description="Say which image of the services is installed and which ones run, and why"
        " they differ. `leger doctor` looks at everything.",
    )
    _take_json(state)
    purge = commands.add_parser(
        "purge",
        help="take everything of leger off this host, secrets and backups too",
        description="Stop the services and all stacks, and remove secrets, backups, keys, stacks"
        " and images, for good. What goes is shown first, and the host's name is asked for.",
    )
    purge.add_argument(
        "--volumes", action="store_true", help="also the volumes of the stacks, with their data"
    )
    purge.add_argument(UNASKED, action="store_true", dest="unasked", help="do not ask, for scripts")
    key = commands.add_parser(
        "key", help="look at the root key, which opens the secrets store"
    ).add_subparsers(dest="key_command", required=True, metavar="COMMAND")
    status = key.add_parser(
        "status",
        help="say where the root key lies and what protects it",
        description="Say where the root key of the secrets store lies, what protects it from"
        " whoever reads the disk, and whether it opens the store. The key itself is not read.",
    )
    _take_json(status)
    serve = commands.add_parser(
        "serve",
        help="run one service; its container calls this",
        description="Run one service in the foreground until SIGTERM.",
    )
    serve.add_argument("service", choices=["secrets", "deployer"], help="which service")
    return parser


def _take_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object")
