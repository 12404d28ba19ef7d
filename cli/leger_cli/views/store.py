"""The store itself: open or sealed."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.output import Cell, Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.secrets.v1.store_pb2 import GetStoreStatusResponse


def status(answer: "GetStoreStatusResponse") -> None:
    """Write how the store is; below, why it is sealed, and what weakens its protection."""
    rows: list[tuple[Cell, Cell]] = [("State", _state(answer)), ("Opens with", _opens(answer))]
    if not answer.sealed:
        key_age = words.span(time.time() - answer.key_time.seconds)
        rows += [
            ("Secrets", str(answer.secrets)),
            ("Revision", str(answer.revision)),
            ("Key", f"{key_age} old, of {words.moment(answer.key_time)}"),
            ("Size", f"{words.size(answer.size)}, schema {answer.schema_version}"),
        ]
    rows.append(("Last backup", _last_backup(answer)))
    width = max(len(str(name)) for name, _ in rows) + 2
    for name, cell in rows:
        text = cell if isinstance(cell, str) else output.paint(*cell)
        output.line(f"{name:{width}}{text}")
    if answer.sealed:
        output.line()
        output.paragraph(f"{answer.seal_what} {answer.seal_why}", mark="✗", tone=Tone.BAD)
        output.paragraph(answer.seal_next_step, mark="→")
    elif answer.audit_problem:
        output.line()
        output.paragraph(f"Requests are refused: {answer.audit_problem}", mark="✗", tone=Tone.BAD)
        output.paragraph(answer.audit_next_step, mark="→")
    for weakness in answer.weaknesses:
        output.remark(weakness)


def unsealed(
    set_aside: Sequence[str],
    refused: Sequence[str],
    to_start: Sequence[str],
    *,
    was_open: bool,
    empty: bool,
) -> None:
    """Write that the store is open, whether it is `empty`, and which units went without secrets.

    `to_start` are the services to start for it: theirs that are down, and what requires them.
    """
    said = "The store was open already." if was_open else "The store is open."
    output.line(f"{said} It holds no secrets." if empty else said)
    if empty and not was_open:
        output.remark(
            "Where its file was gone, it is a new one. To get secrets back from a backup:"
            "\n→ leger secrets backups"
        )
    for file in set_aside:
        output.line(f"  set aside: {file}")
    if refused:
        said = f"{words.counted(len(refused), 'unit')} did not get secrets while it was sealed."
        if to_start:
            said += f"\n→ leger services start {' '.join(to_start)}"
        output.remark(said)


def rekeyed(pages: int, *, needs_passphrase: bool, changed: bool) -> None:
    """Write that the store has a new key, and what opens it."""
    output.line(f"The store has a new key: {words.counted(pages, 'page')} encrypted anew.")
    if needs_passphrase and changed:
        output.remark(
            "The passphrase opens it from now on. After each start it is sealed until it is typed:"
            "\n→ leger secrets unseal"
        )


def _state(answer: "GetStoreStatusResponse") -> Cell:
    return ("sealed", Tone.BAD) if answer.sealed else ("open", Tone.GOOD)


def _opens(answer: "GetStoreStatusResponse") -> Cell:
    from leger.secrets.v1 import store_pb2

    opens: dict[int, Cell] = {
        store_pb2.UNLOCK_ROOT_KEY: "the host's root key",
        store_pb2.UNLOCK_PASSPHRASE: "a passphrase",
    }
    return opens.get(answer.unlock, ("unknown", Tone.FAINT))


def _last_backup(answer: "GetStoreStatusResponse") -> Cell:
    if not answer.HasField("last_backup_time"):
        return "never", Tone.CAUTION
    age = words.span(time.time() - answer.last_backup_time.seconds)
    return f"{age} ago, at {words.moment(answer.last_backup_time)}"
