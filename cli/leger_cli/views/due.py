"""What a secret is due for, in words."""

from typing import TYPE_CHECKING

from leger_cli.output import Cell, Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from leger.secrets.v1.secrets_pb2 import SecretInfo

_DAY = 86_400
# What is due within this time deserves a colour.
_SOON = 14 * _DAY


def most_urgent(secret: "SecretInfo", now: float) -> Cell:
    """Return what comes first, the expiry or the rotation; `now` is in seconds of the epoch."""
    cells = []
    if secret.notes.HasField("expire_time"):
        cells.append((secret.notes.expire_time.seconds, expiry(secret.notes.expire_time, now)))
    if secret.HasField("rotate_due_time"):
        cells.append((secret.rotate_due_time.seconds, rotation(secret.rotate_due_time, now)))
    return min(cells, default=(0, ("-", Tone.FAINT)), key=lambda cell: cell[0])[1]


def needs_attention(secret: "SecretInfo", now: float) -> bool:
    """Return whether the rotation is due, or the value has expired or will within 14 days."""
    notes = secret.notes
    return (notes.HasField("expire_time") and notes.expire_time.seconds - now <= _SOON) or (
        secret.HasField("rotate_due_time") and secret.rotate_due_time.seconds <= now
    )


def rotation(time: "Timestamp", now: float) -> Cell:
    """Return when a rotation is due, such as "in 12 days" or "3 days overdue"."""
    left = time.seconds - now
    if left <= 0:
        return f"{words.span(-left)} overdue", Tone.BAD
    return _upcoming(f"in {words.span(left)}", left)


def expiry(time: "Timestamp", now: float) -> Cell:
    """Return when a value expires, such as "expires in 5 days", or that it has."""
    left = time.seconds - now
    if left <= 0:
        return "expired", Tone.BAD
    return _upcoming(f"expires in {words.span(left)}", left)


def _upcoming(text: str, left: float) -> Cell:
    return (text, Tone.CAUTION) if left <= _SOON else text
