"""Making backups, and seeing which there are."""

import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime import atomic

from leger_cli import output, parser, pipes
from leger_cli.commands.secrets.app import app
from leger_cli.context import PATIENCE, Scope, Session
from leger_cli.errors import NoTerminal, StoreSealed, UsageError

if TYPE_CHECKING:
    from leger.secrets.v1.backup_pb2 import BackupStoreRequest
    from leger.secrets.v1.backup_pb2_grpc import BackupServiceStub


@app.command(
    cls=parser.ConfidentialCommand,
    epilog="leger secrets backup /mnt/usb/secrets.age\n"
    "leger secrets backup - --passphrase | ssh nas 'cat > secrets.age'\n"
    "leger secrets backup --scheduled",
)
def backup(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Where to write it, or - for standard output.",
            show_default=False,
        ),
    ] = None,
    passphrase: Annotated[
        bool,
        typer.Option("--passphrase", help="Make it for a passphrase: typed, or piped in."),
    ] = False,
    recipients: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient",
            metavar="AGE1...",
            help="Make it for this recipient, not the recovery keys; repeatable.",
        ),
    ] = None,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="Have the service keep it, as every day.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> None:
    """Back up all secrets into an encrypted file.

    It holds all versions of all secrets, what is noted about them, and access tokens. It is an
    age file (age-encryption.org) for the recovery keys, or for a passphrase where there are none.
    Nothing is written in the clear.

    With --scheduled the service keeps it itself, for its own key and the recovery keys, and lets
    old ones go. leger-backup.timer does that every day.
    """
    from leger_cli import transfer

    session: Session = context.obj
    quiet = session.as_json
    if scheduled:
        _check_scheduled(given=bool(file or passphrase or recipients or force))
    else:
        _check_place(file, force=force, as_json=session.as_json)
        if not passphrase:
            pipes.refuse_unread("With --passphrase it would be the backup's passphrase.")
        _require_open(session)
    with session.backups() as client:
        request, opens = _request(client, passphrase, recipients or [], scheduled)
        answers = client.BackupStore(request)
        if scheduled or not file:
            summary = transfer.receive(answers, BytesIO(), quiet=quiet)
        elif file == "-":
            summary = transfer.receive(answers, sys.stdout.buffer, quiet=quiet)
        else:
            with atomic.writing(Path(file), mode=0o600) as out:
                summary = transfer.receive(answers, out, quiet=quiet)
    if session.as_json:
        from leger_cli import convert

        made = convert.backup_made(summary, file=file or summary.file, scheduled=scheduled)
        output.json(made)
    else:
        from leger_cli.views import backups as view

        view.made(summary, file or summary.file, opens=opens)


@app.command("backups", cls=parser.LegerCommand, epilog="leger secrets backups")
def backups_(context: typer.Context) -> None:
    """List the scheduled backups, and who can open them.

    Those of the last 48 hours are kept, 50 at most; and of each of the last 7 days, 4 weeks and
    12 months that have one, the newest.
    """
    from leger.secrets.v1.backup_pb2 import ListBackupsRequest

    session: Session = context.obj
    with session.backups() as client:
        answer = client.ListBackups(ListBackupsRequest(), timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json(convert.backup_list(answer))
    else:
        from leger_cli.views import backups as view

        manager = "" if session.scope is Scope.SYSTEM else " --user"
        view.kept(answer, failed=f"systemctl{manager} status leger-backup.timer leger-backup")


def _check_scheduled(*, given: bool) -> None:
    if given:
        raise UsageError(
            "--scheduled stands alone.",
            why="The service keeps that backup, for its own key and the recovery keys.",
            next_step="Leave the others out, or leave out --scheduled.",
        )


def _require_open(session: Session) -> None:
    """Raise StoreSealed before anything is asked of somebody that would be in vain."""
    from leger.secrets.v1.store_pb2 import GetStoreStatusRequest

    with session.store() as client:
        status = client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE)
    if status.sealed:
        raise StoreSealed(
            "There can be no backup of a sealed store.",
            why=status.seal_what,
            next_step="See `leger secrets status`, then open it: `leger secrets unseal`.",
        )


def _check_place(file: str | None, *, force: bool, as_json: bool) -> None:
    """Raise UsageError or FileExists unless a backup can go there."""
    from leger_cli import secretfile

    if not file:
        raise UsageError(
            "There is no FILE to write the backup to.",
            why="`leger secrets backup` takes one, or - for standard output, or --scheduled.",
            next_step="Run `leger secrets backup --help`.",
        )
    if file != "-":
        secretfile.require_place(Path(file), force=force)
        return
    output.require_open()
    if as_json or output.is_terminal(sys.stdout):
        raise UsageError(
            "The backup cannot go to standard output.",
            why="--json prints there." if as_json else "That is a terminal, and this is no text.",
            next_step="Name a FILE, or put a pipe behind the command.",
        )


def _request(
    client: "BackupServiceStub", passphrase: bool, recipients: list[str], scheduled: bool
) -> "tuple[BackupStoreRequest, str]":
    """Return what to ask for, and what opens it; where nobody is named, the recovery keys."""
    from leger.secrets.v1.backup_pb2 import BackupStoreRequest, ListBackupsRequest

    from leger_cli import passphrase as passphrases

    if scheduled:
        return BackupStoreRequest(scheduled=True), "this store's own key and the recovery keys"
    if passphrase and recipients:
        raise UsageError(
            "--passphrase and --recipient were both given.",
            why="An age file that a passphrase opens is for nobody else.",
            next_step="Leave one of them out.",
        )
    if not passphrase and not recipients:
        known = client.ListBackups(ListBackupsRequest(), timeout=PATIENCE)
        recipients = list(known.recovery_recipients)
        if not recipients and not sys.stdin.isatty():
            raise NoTerminal(
                "A passphrase has to be chosen, and there is nobody to type one.",
                why="There is no recovery key, and standard input is not a terminal.",
                next_step="Make a recovery key, `leger secrets recovery-key`; or pipe a passphrase"
                " in, with --passphrase.",
            )
    if recipients:
        return BackupStoreRequest(recipients=recipients), f"the key of {' or '.join(recipients)}"
    chosen = passphrases.ask_new("Passphrase of the backup (not shown): ")
    return BackupStoreRequest(passphrase=chosen), "the passphrase"
