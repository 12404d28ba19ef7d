"""The command `leger`, and the boundary where every failure becomes words and an exit code."""

import sys

from leger_cli.version import __version__

# Nothing else is imported here, not even typing: `leger --version` is to start like Python itself.

# The exit code of a program that SIGINT ended, as shells count it.
_INTERRUPTED = 130


def main() -> None:
    """Run `leger` with this process's arguments and leave the process.

    Exit codes are the values of `leger_runtime.errors.Kind`, and 130 after an interrupt.
    """
    _open_closed_streams()
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"leger {__version__}\n")
        _leave(0)
    else:
        import signal

        # A reader that closes the pipe (`leger … | head`) ends leger as it ends any other filter.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        _leave(run(arguments))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code. No exception leaves this function."""
    import io

    from leger_runtime.errors import LegerError

    from leger_cli import errors

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without UTF-8 shows "?" for "→" rather than nothing at all.
            stream.reconfigure(errors="replace")
    # Behind a "--" are the arguments of the command that `leger run` runs.
    as_json = "--json" in (arguments[: arguments.index("--")] if "--" in arguments else arguments)
    try:
        code = _dispatch(arguments)
        if code == _INTERRUPTED:
            sys.stderr.write("\n")  # the terminal has shown ^C on this line
        return code
    except LegerError as error:
        return errors.show(error, as_json=as_json)
    except KeyboardInterrupt:  # before or after Typer, which turns it into the same code
        return _INTERRUPTED
    except Exception as error:  # the boundary: a person never sees a traceback
        return errors.show(errors.of_exception(error), as_json=as_json)


def _dispatch(arguments: list[str]) -> int:
    import typer

    from leger_cli import app, context, errors

    try:
        code = app.command().main(
            args=arguments,
            prog_name="leger",
            standalone_mode=False,
            obj=context.Session(account=context.Account.of_this_process()),
        )
    except typer.TyperException as error:
        raise errors.of_typer(error) from None
    except typer.Abort:
        raise errors.Cancelled.because("The input ended before the answer.") from None
    return code if isinstance(code, int) else 0


def _open_closed_streams() -> None:
    """Put /dev/null in place of streams that the caller closed (`>&-`).

    Else the next file or socket that is opened would get the stream's number.
    """
    for name in ("stdin", "stdout", "stderr"):  # in this order they get their own numbers
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open("/dev/null", mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _leave(code: int) -> None:
    """End the process without tearing its modules down.

    Taking gRPC and Typer apart costs 15 ms, a tenth of a command, and nothing here needs it.
    """
    import os

    try:
        sys.stdout.flush()
    except OSError as error:  # a full disk: the result is not where it should be
        from leger_cli import errors

        if code == 0:  # else an error was shown already, perhaps this one
            code = errors.show(errors.of_exception(error), as_json=False)
    os._exit(code)  # standard error is never buffered beyond a line


if __name__ == "__main__":
    main()
