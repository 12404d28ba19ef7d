"""What an import changes, without the values."""

from typing import TYPE_CHECKING

from leger_cli import convert, output
from leger_cli.output import Cell, Tone
from leger_cli.views import secrets, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leger.secrets.v1.secrets_pb2 import ImportSecretsResponse

_CHANGES: dict[str, Cell] = {
    "created": ("create", Tone.GOOD),
    "updated": ("update", Tone.CAUTION),
    "activated": ("activate", Tone.CAUTION),
    "unchanged": ("no change", Tone.FAINT),
}


def table(results: "Sequence[ImportSecretsResponse.Result]") -> None:
    """Write one row a secret: what becomes of it, and which units have to be restarted then."""
    output.table(
        ("NAME", "CHANGE", "VERSION", "USED BY"),
        [
            (
                result.name,
                _CHANGES[convert.import_change(result.change)],
                str(result.version),
                ", ".join(result.units) or ("-", Tone.FAINT),
            )
            for result in results
        ],
    )


def stored(changes: "Sequence[ImportSecretsResponse.Result]") -> None:
    """Write that the changes were made, and how running units get them."""
    output.line()
    output.line(f"{words.counted(len(changes), 'value')} stored and active")
    secrets.hint_restart(sorted({unit for change in changes for unit in change.units}))
