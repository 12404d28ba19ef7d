"""Moving a backup between this process and the service."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from leger_cli import output

if TYPE_CHECKING:
    from typing import BinaryIO

    from leger.secrets.v1.backup_pb2 import (
        BackupStoreResponse,
        BackupSummary,
        RestoreStoreRequest,
    )

_PIECE = 1024 * 1024  # bytes of content in a message
_WORTH_A_BAR = 8 * 1024 * 1024


def receive(
    answers: "Iterable[BackupStoreResponse]", file: "BinaryIO", *, quiet: bool
) -> "BackupSummary":
    """Write the content of the answers to a file, and return the summary that the last one has."""
    from leger.secrets.v1.backup_pb2 import BackupSummary

    summary = BackupSummary()
    with _shown("Back up", quiet=quiet):
        for answer in answers:
            file.write(answer.content)
            summary = answer.summary
    return summary


@contextmanager
def sending(
    start: "RestoreStoreRequest.Start", content: bytes, *, quiet: bool
) -> "Iterator[Iterator[RestoreStoreRequest]]":
    """Yield the requests of a restore; progress is shown until the block is left."""
    from leger.secrets.v1.backup_pb2 import RestoreStoreRequest

    label = "Check" if start.dry_run else "Restore"
    with _shown(label, total=len(content), quiet=quiet) as advance:

        def requests() -> "Iterator[RestoreStoreRequest]":
            yield RestoreStoreRequest(start=start)
            for at in range(0, len(content), _PIECE):
                piece = content[at : at + _PIECE]
                yield RestoreStoreRequest(content=piece)
                advance(len(piece))

        yield requests()


@contextmanager
def _shown(label: str, *, total: int = 0, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show at a terminal that work goes on, until the block is left.

    Yields what notes that bytes have passed, of which a bar is drawn when there are many.
    """
    if quiet or not output.can_draw(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    colours = output.has_colour(sys.stderr)
    console = Console(
        stderr=True,
        force_terminal=True,
        color_system="standard" if colours else None,
        highlight=False,
    )
    draws = total >= _WORTH_A_BAR
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *((BarColumn(), DownloadColumn()) if draws else ()),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # nothing else is written meanwhile
        redirect_stderr=False,
    ) as progress:
        # One more than there is: when all has passed, the service works on, and time with it.
        task = progress.add_task(label, total=total + 1 if draws else None)
        yield lambda count: progress.advance(task, count)
