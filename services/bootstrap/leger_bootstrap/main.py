"""The command `legerd`."""

import argparse
import sys
from typing import TYPE_CHECKING

from leger_runtime import errors

if TYPE_CHECKING:
    from leger_bootstrap.purge import Belongings
    from leger_bootstrap.scope import Scope

_PURGE_UNASKED = "--yes-destroy-all-secrets"


class HostRefused(errors.LegerError):
    """A file, a pipe or a device could not be used."""

    kind, reason = errors.Kind.UNAVAILABLE, "HOST_REFUSED"


class NotConfirmed(errors.LegerError):
    """Nobody has said that everything is to be removed."""

    kind, reason = errors.Kind.USAGE, "NOT_CONFIRMED"


def main() -> int:
    """Run `legerd` and return its exit code; the codes are those of `leger`."""
    parser = argparse.ArgumentParser(
        prog="legerd",
        description="Prepare this host for leger and run its services. "
        "As root it works on the system scope, as anybody else on that user's.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    bootstrap = commands.add_parser(
        "bootstrap",
        help="load the image, make the store's key once, place the units, start the pod",
        description="Bring up leger's services on this host. Safe to run again. A version that is"
        " not well is taken back: the one before serves on.",
    )
    bootstrap.add_argument(
        "--retry", action="store_true", help="try an installed version again that was taken back"
    )
    state = commands.add_parser(
        "status",
        help="say which version is installed, and which runs",
        description="Say which image of the services is installed and which ones run, and why"
        " they differ. `leger doctor` looks at everything.",
    )
    state.add_argument("--json", action="store_true", help="print one JSON object")
    purge = commands.add_parser(
        "purge",
        help="take everything of leger off this host, secrets and backups too",
        description="Stop the services and all stacks, and remove secrets, backups, keys, stacks"
        " and images, for good. What goes is shown first, and the host's name is asked for.",
    )
    purge.add_argument(
        "--volumes", action="store_true", help="also the volumes of the stacks, with their data"
    )
    purge.add_argument(
        _PURGE_UNASKED, action="store_true", dest="unasked", help="do not ask, for scripts"
    )
    key = commands.add_parser(
        "key", help="look at the root key, which opens the secrets store"
    ).add_subparsers(dest="key_command", required=True, metavar="COMMAND")
    status = key.add_parser(
        "status",
        help="say where the root key lies and what protects it",
        description="Say where the root key of the secrets store lies, what protects it from"
        " whoever reads the disk, and whether it opens the store. The key itself is not read.",
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    serve = commands.add_parser(
        "serve",
        help="run one service; its container calls this",
        description="Run one service in the foreground until SIGTERM.",
    )
    serve.add_argument("service", choices=["secrets", "deployer"], help="which service")
    arguments = parser.parse_args()
    try:
        if arguments.command == "bootstrap":
            return _bootstrap(retry=arguments.retry)
        if arguments.command == "status":
            return _status(as_json=arguments.json)
        if arguments.command == "purge":
            return _purge(volumes=arguments.volumes, unasked=arguments.unasked)
        if arguments.command == "key":
            return _key_status(as_json=arguments.json)
        return _serve(arguments.service)
    except errors.LegerError as error:
        return _fail(error)
    except PermissionError as error:
        return _fail(
            errors.NotPermitted(
                f"{error.filename or 'A file'} may not be written.",
                why=f"{errors.reason_of(error)}.",
                next_step="Run it as root for the system scope.",
            )
        )
    except OSError as error:
        return _fail(
            HostRefused(
                f"{error.filename or 'The host'} cannot be used.",
                why=f"{errors.reason_of(error)}.",
                next_step="Mend that, then run the command again; it goes on where it stopped.",
            )
        )


def _fail(error: errors.LegerError) -> int:
    sys.stderr.write(errors.as_text(error) + "\n")
    return error.kind.value


def _bootstrap(*, retry: bool) -> int:
    from leger_bootstrap import bootstrap, commands, health, scope

    bootstrap.bootstrap(
        scope.of_this_process(),
        share=scope.SHARE,
        run=commands.run,
        say=_say,
        ask=health.read,
        retry=retry,
    )
    return 0


def _status(*, as_json: bool) -> int:
    from leger_bootstrap import commands, scope, status

    found = status.read(scope.of_this_process(), share=scope.SHARE, run=commands.run)
    sys.stdout.write(status.as_json(found) if as_json else status.as_text(found))
    return 0


def _purge(*, volumes: bool, unasked: bool) -> int:
    from leger_bootstrap import commands, directory_lock, purge, scope

    where = scope.of_this_process()
    found = purge.find(where, commands.run)
    if not unasked:
        _confirm_purge(where, found, volumes=volumes)
    with directory_lock.waiting(where.data):
        # While somebody was asked, or a bootstrap was at work, more may have come.
        found = purge.find(where, commands.run)
        purge.Purge(scope=where, run=commands.run, say=_say).carry_out(found, volumes=volumes)
    _say("nothing of leger is left here but the package")
    return 0


def _confirm_purge(where: "Scope", found: "Belongings", *, volumes: bool) -> None:
    """Show what goes, and return when the host's name is typed. Raises NotConfirmed."""
    import os

    from leger_bootstrap import purge

    host = os.uname().nodename
    sys.stdout.write(f"This removes, for good, from the {where.name} scope of {host}:\n")
    sys.stdout.writelines(f"  {line}\n" for line in purge.describe(found, volumes=volumes))
    sys.stdout.write("Secrets that have no backup elsewhere are lost.\n")
    if found.volumes and not volumes:
        sys.stdout.write(f"Volumes stay, unless you say --volumes: {', '.join(found.volumes)}\n")
    if not sys.stdin.isatty():
        raise NotConfirmed(
            "Nothing was removed.",
            why="Standard input is not a terminal, so nobody can be asked.",
            next_step=f"Run the same command with {_PURGE_UNASKED}.",
        )
    sys.stdout.write(f"Type the name of this host, {host}, to go on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != host:
        raise NotConfirmed(
            "Nothing was removed.",
            why="What was typed is not the name of this host.",
            next_step="Run the command again when you are sure.",
        )


def _key_status(*, as_json: bool) -> int:
    from leger_bootstrap import key_status, scope

    found = key_status.read(scope.of_this_process())
    sys.stdout.write(key_status.as_json(found) if as_json else key_status.as_text(found))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"legerd: {line}\n")
    sys.stdout.flush()


def _serve(service: str) -> int:
    # A service imports only what it needs: memory is counted per container.
    if service == "secrets":
        from leger_secrets.__main__ import main as serve
    else:
        from leger_deployer.__main__ import main as serve
    return serve()


if __name__ == "__main__":
    sys.exit(main())
