"""Backups, and what a restore changes."""

import time
from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.output import Cell, Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leger.secrets.v1.backup_pb2 import (
        BackupSummary,
        ListBackupsResponse,
        RestoreStoreResponse,
    )

_DAY = 86_400
_STALE = 2 * _DAY  # one is made every day


def made(summary: "BackupSummary", file: str, *, opens: str) -> None:
    """Write what is in a backup that was made, and what `opens` it."""
    said = f"{_content(summary)}, {words.size(summary.size)}"
    if file == "-":
        output.remark(said)
    else:
        output.line(f"{file}: {said}")
    output.remark(f"It opens with {opens}.")


def kept(answer: "ListBackupsResponse", *, failed: str) -> None:
    """Write what is kept, where, and who can open it; `failed` shows why there is no newer one."""
    if answer.backups:
        now = time.time()
        output.table(
            ("FILE", "MADE", "AGE", "SIZE"),
            [
                (
                    backup.file,
                    words.moment(backup.create_time),
                    words.age(now - backup.create_time.seconds),
                    words.size(backup.size),
                )
                for backup in answer.backups
            ],
        )
        output.remark(f"They are in {answer.directory}.")
        age = now - answer.backups[0].create_time.seconds
        if age > _STALE:
            output.remark(f"The last one is {words.span(age)} old.\n→ {failed}")
    else:
        output.remark("There is no scheduled backup yet.\n→ leger secrets backup --scheduled")
    if not answer.sealed:
        recovery(answer.recovery_recipients)


def recovery(recipients: "Sequence[str]") -> None:
    """Write who can open scheduled backups besides the store itself."""
    for recipient in recipients:
        output.line(f"recovery recipient {recipient}")
    if not recipients:
        output.remark(
            "There is no recovery key: when this machine is lost, nothing opens them."
            "\n→ leger secrets recovery-key"
        )


def changes(answer: "RestoreStoreResponse") -> None:
    """Write what a restore changes, one row a secret and a token, one line a recipient."""
    backup = answer.backup
    output.line(f"The backup of {words.moment(backup.create_time)} has {_content(backup)}.")
    add, change, remove = ("add", Tone.GOOD), ("change", Tone.CAUTION), ("remove", Tone.BAD)
    rows: list[tuple[Cell, Cell, Cell]] = [
        (name, kind, effect)
        for names, kind, effect in (
            (answer.added, "secret", add),
            (answer.changed, "secret", change),
            (answer.removed, "secret", remove),
            (answer.added_tokens, "token", add),
            (answer.changed_tokens, "token", change),
            (answer.removed_tokens, "token", remove),
        )
        for name in names
    ]
    if rows:
        output.line()
        output.table(("NAME", "KIND", "CHANGE"), rows)
    elif not answer.added_recipients:
        output.line("All that is stored is as in the backup.")
    if answer.added_recipients:
        output.line()
        # Not in the table: with anything beside it, a recipient is wider than a terminal.
        for recipient in answer.added_recipients:
            output.line(f"recovery recipient {recipient}")
        options = " ".join(f"--remove {recipient}" for recipient in answer.added_recipients)
        output.remark(
            "The backup adds who can open new backups, also one that was removed since."
            f" If it is not meant to:\n→ leger secrets recovery-key {options}"
        )
    if answer.added_tokens:
        output.remark("Tokens that were revoked since the backup are valid again then.")


def restored(answer: "RestoreStoreResponse") -> None:
    """Write that a backup was restored, and what that does not do."""
    output.line()
    output.line(f"{_content(answer.backup)} restored")
    if answer.changed or answer.removed:
        output.remark("Running units keep the values they started with until they are restarted.")


def new_key(identity: str) -> None:
    """Show a recovery key, this once."""
    output.line("The recovery key, which opens backups without this machine:\n")
    output.line(f"  {output.paint(identity, Tone.STRONG)}\n")
    output.remark(
        "Write it down now, or put it into a password manager: leger keeps it nowhere,"
        "\nand cannot show it again."
    )


def _content(summary: "BackupSummary") -> str:
    secrets = words.counted(summary.secrets, "secret")
    return f"{secrets} with {words.counted(summary.versions, 'version')}"
