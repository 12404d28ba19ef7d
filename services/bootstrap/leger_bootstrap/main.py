"""The command `legerd`."""

import argparse
import sys

from leger_runtime import errors


class HostRefused(errors.LegerError):
    """A file, a pipe or a device could not be used."""

    kind, reason = errors.Kind.UNAVAILABLE, "HOST_REFUSED"


def main() -> int:
    """Run `legerd` and return its exit code; the codes are those of `leger`."""
    parser = argparse.ArgumentParser(
        prog="legerd",
        description="Prepare this host for leger and run its services. "
        "As root it works on the system scope, as anybody else on that user's.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "bootstrap",
        help="load the image, make the store's key once, place the units, start the pod",
        description="Bring up leger's services on this host. Safe to run again.",
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
            return _bootstrap()
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
                next_step="Run `legerd bootstrap` as root for the system scope.",
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


def _bootstrap() -> int:
    from leger_bootstrap import bootstrap, commands, scope, store_seal

    bootstrap.bootstrap(
        scope.of_this_process(),
        share=scope.SHARE,
        run=commands.run,
        say=_say,
        why_sealed=store_seal.why_sealed,
    )
    return 0


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
