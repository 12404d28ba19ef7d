"""The command `legerd`."""

import argparse
import sys

from leger_runtime import errors


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
        return _serve(arguments.service)
    except errors.LegerError as error:
        sys.stderr.write(errors.as_text(error) + "\n")
        return error.kind.value
    except PermissionError as error:
        sys.stderr.write(
            f"error: {error.filename} may not be written.\n"
            f"  {error.strerror}.\n"
            "  → Run `legerd bootstrap` as root for the system scope.\n"
        )
        return errors.Kind.NOT_PERMITTED.value
    except OSError as error:
        sys.stderr.write(
            f"error: {error.filename or 'The host'} cannot be used.\n"
            f"  {error.strerror}.\n"
            "  → Mend that, then run the command again; it goes on where it stopped.\n"
        )
        return errors.Kind.UNAVAILABLE.value


def _bootstrap() -> int:
    from leger_bootstrap import bootstrap, commands, scope

    bootstrap.bootstrap(
        scope.of_this_process(),
        share=scope.SHARE,
        run=commands.run,
        say=_say,
    )
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
