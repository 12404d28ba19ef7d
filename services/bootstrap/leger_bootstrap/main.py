"""The command `legerd`."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from leger_runtime import errors

from leger_bootstrap import command_line

if TYPE_CHECKING:
    from leger_bootstrap.purge import Belongings
    from leger_bootstrap.scope import Scope


class HostRefused(errors.LegerError):
    """A file, a pipe or a device could not be used."""

    kind, reason = errors.Kind.UNAVAILABLE, "HOST_REFUSED"


class NotConfirmed(errors.LegerError):
    """Nobody has said that everything is to be removed."""

    kind, reason = errors.Kind.USAGE, "NOT_CONFIRMED"


def main() -> int:
    """Run `legerd` and return its exit code; the codes are those of `leger`."""
    try:
        arguments = command_line.read(sys.argv[1:])
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
    # Where both go to one file or pipe, what was said before is to be read before.
    with suppress(OSError):  # if that cannot be, the error is told all the same
        sys.stdout.flush()
    sys.stderr.write(errors.as_text(error) + "\n")
    return error.kind.value


def _bootstrap(*, retry: bool) -> int:
    import os

    from leger_bootstrap import bootstrap, commands, health, scope

    bootstrap.bootstrap(
        scope.of_this_process(),
        share=scope.SHARE,
        run=commands.run,
        say=_say,
        ask=health.read,
        retry=retry,
        # systemd.exec(5): a process that a unit's process has started inherits another's number.
        is_of_unit=os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()),
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
            next_step=f"Run the same command with {command_line.UNASKED}.",
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
