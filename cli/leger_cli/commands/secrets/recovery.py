"""Recovery keys, which open backups when the machine is gone."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from leger_runtime.errors import Kind, LegerError

from leger_cli import output, parser
from leger_cli.commands.secrets.app import app
from leger_cli.context import PATIENCE, Session
from leger_cli.errors import StoreSealed, UsageError


class RecipientNotFound(LegerError):
    """A recipient that is to be removed and is not there."""

    kind, reason = Kind.NOT_FOUND, "RECIPIENT_NOT_FOUND"


@app.command(
    "recovery-key",
    cls=parser.ConfidentialCommand,
    epilog="leger secrets recovery-key\n"
    "leger secrets recovery-key --out /mnt/usb/recovery.key\n"
    'leger secrets recovery-key --add "$(age-keygen -y my.key)"',
)
def recovery_key(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write the key to a file, and do not show it."
        ),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            "--add",
            metavar="AGE1...",
            help="Make no key; take one that you have, by its recipient; repeatable.",
        ),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove",
            metavar="AGE1...",
            help="Make no more backups for this recipient; repeatable.",
        ),
    ] = None,
) -> None:
    """Make a key that opens backups when the machine is gone.

    The key is an age identity, made by this command: the service learns its public half alone.
    It is shown once, or written to a file, and kept nowhere else. Scheduled backups are made for
    it from now on; those that are there already are not.
    """
    from leger.secrets.v1.backup_pb2 import ListBackupsRequest, SetRecoveryRecipientsRequest

    from leger_cli import recovery
    from leger_cli.views import backups as view

    session: Session = context.obj
    makes = not add and not remove
    _check(out, makes=makes, as_json=session.as_json)
    with session.backups() as client:
        known = client.ListBackups(ListBackupsRequest(), timeout=PATIENCE)
        if known.sealed:
            raise StoreSealed(
                "The recovery keys cannot be changed.",
                why="The store is sealed, which alone knows them.",
                next_step="Open it: `leger secrets unseal`.",
            )
        recipients = _without(known.recovery_recipients, remove or []) + (add or [])
        key = recovery.new_key() if makes else None
        if key:
            # Before the service knows of it: a key that nobody has would be worse than none.
            if out:
                recovery.write(key, out)
            else:
                view.new_key(key.identity)
            recipients.append(key.recipient)
        client.SetRecoveryRecipients(
            SetRecoveryRecipientsRequest(recipients=recipients), timeout=PATIENCE
        )
        now = client.ListBackups(ListBackupsRequest(), timeout=PATIENCE).recovery_recipients
    if session.as_json:
        output.json(
            {
                "recovery_recipients": list(now),
                "new_recipient": key.recipient if key else None,
                "file": str(out) if out else None,
            }
        )
        return
    if out:
        output.line(f"{out}: the recovery key. Keep it somewhere else than on this machine.")
    view.recovery(now)
    if now:
        output.remark("Backups are made for it from now on.\n→ leger secrets backup --scheduled")


def _check(out: Path | None, *, makes: bool, as_json: bool) -> None:
    """Raise UsageError or FileExists unless a key that is made can be kept by somebody."""
    from leger_cli import secretfile

    if out and not makes:
        raise UsageError(
            "There is no key for --out to write.",
            why="With --add or --remove none is made.",
            next_step="Leave --out away, or the others.",
        )
    if out:
        secretfile.require_place(out, force=None)
    elif makes and (as_json or not output.is_terminal(sys.stdout)):
        raise UsageError(
            "The recovery key would be shown where it may stay.",
            why="--json prints for programs." if as_json else "Standard output is no terminal.",
            next_step="Have it written to a file that its owner alone can read: --out FILE.",
        )


def _without(recipients: Sequence[str], removed: list[str]) -> list[str]:
    """Return the recipients but those removed. Raises RecipientNotFound."""
    for recipient in removed:
        if recipient not in recipients:
            raise RecipientNotFound(
                f"{recipient} is no recovery recipient.",
                why="It was never added, or it was removed.",
                next_step="See who is: `leger secrets backups`.",
            )
    return [recipient for recipient in recipients if recipient not in removed]
