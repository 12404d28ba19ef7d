"""Restoring a backup."""

from typing import TYPE_CHECKING, Annotated

import typer

from leger_cli import completion, output, parser, terminal
from leger_cli.commands.secrets.app import app
from leger_cli.context import Session
from leger_cli.errors import UsageError

if TYPE_CHECKING:
    from leger.secrets.v1.backup_pb2 import RestoreStoreRequest, RestoreStoreResponse
    from leger.secrets.v1.backup_pb2_grpc import BackupServiceStub

# A document of 256 MiB, encrypted (docs/reference/backup-format.md).
_MOST = 257 * 1024 * 1024
# An age file for a passphrase begins so (C2SP, age.md, "The scrypt recipient type").
_FOR_PASSPHRASE = b"age-encryption.org/v1\n-> scrypt "


@app.command(
    cls=parser.ConfidentialCommand,
    epilog="leger secrets restore secrets.age --dry-run\n"
    "leger secrets restore secrets.age --identity recovery.key\n"
    "ssh nas cat secrets.age | leger secrets restore - --identity recovery.key\n"
    "leger secrets restore --scheduled secrets-20260131T020507Z.age --replace",
)
def restore(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="The backup, or - for standard input.", show_default=False
        ),
    ] = None,
    scheduled: Annotated[
        str | None,
        typer.Option(
            "--scheduled",
            metavar="NAME",
            help="A backup that the service keeps.",
            autocompletion=completion.backups,
        ),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity",
            "-i",
            metavar="KEYFILE",
            help="The file of the recovery key, or - for standard input.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it, show what would change, and stop.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace all that is stored but the recovery keys.")
    ] = False,
    yes: parser.Yes = False,
) -> None:
    """Put a backup in the place of all that is stored.

    It is checked wholly first, down to the last byte, and what changes is shown, without values.
    Nothing is ever merged: a store that is not empty is left alone unless --replace is given.
    Recovery keys alone are kept, besides those of the backup.
    Which unit gets which secret is no part of a backup, and stays as it is.

    The store's own key opens the backups that it keeps itself. On another machine it takes the
    recovery key. A passphrase is asked for where one was set, or read from standard input.
    """
    from leger_cli.views import backups as view

    session: Session = context.obj
    asks = replace and not yes and not dry_run
    content = _content(file, scheduled, identity)
    terminal.require_answers(yes=not asks, as_json=session.as_json)
    start = _start(content, scheduled, identity)
    # Once, where nobody is asked: each time the service makes the key of a passphrase anew, slowly.
    with session.backups() as client:
        start.dry_run = dry_run or asks
        start.replace = replace and not start.dry_run
        answer = _send(client, start, content, session=session)
        if not session.as_json:
            view.changes(answer)
        if asks:
            terminal.confirm("Replace all that is stored by this backup?")
            start.dry_run, start.replace = False, True
            answer = _send(client, start, content, session=session)
    if session.as_json:
        from leger_cli import convert

        output.json(convert.restored(answer, dry_run=dry_run))
    elif not dry_run:
        view.restored(answer)


def _content(file: str | None, scheduled: str | None, identity: str | None) -> bytes:
    """Return what to upload; nothing of a backup that the service keeps. Raises UsageError."""
    if bool(file) == bool(scheduled):
        raise UsageError(
            "There must be one backup to restore.",
            why="`leger secrets restore` takes either a FILE or --scheduled NAME.",
            next_step="See which backups the service keeps: `leger secrets backups`.",
        )
    content = _read(file) if file else b""
    needs_passphrase = content.startswith(_FOR_PASSPHRASE)
    if file == "-" and (needs_passphrase or identity == "-"):
        raise UsageError(
            "Standard input cannot be the backup and what opens it.",
            why="It opens with a passphrase." if needs_passphrase else "Both are named -.",
            next_step="Write the backup to a file first: it is encrypted.",
        )
    return content


def _start(
    content: bytes, scheduled: str | None, identity: str | None
) -> "RestoreStoreRequest.Start":
    """Return what to restore and how to open it."""
    from leger.secrets.v1.backup_pb2 import RestoreStoreRequest

    from leger_cli import passphrase, recovery

    start = RestoreStoreRequest.Start(file=scheduled or "")
    if identity:
        start.identity = recovery.read(identity)
    if content.startswith(_FOR_PASSPHRASE):
        start.passphrase = passphrase.ask("Passphrase of the backup (not shown): ")
    return start


def _read(file: str) -> bytes:
    from leger_cli import secretfile

    try:
        return secretfile.read(file, what="the backup", most=_MOST, encrypted=True)
    except secretfile.FileNotFound as error:
        error.next_step += " `leger secrets backups` lists those that the service keeps."
        raise


def _send(
    client: "BackupServiceStub",
    start: "RestoreStoreRequest.Start",
    content: bytes,
    *,
    session: Session,
) -> "RestoreStoreResponse":
    from leger_cli import transfer

    with transfer.sending(start, content, quiet=session.as_json) as requests:
        return client.RestoreStore(requests)
