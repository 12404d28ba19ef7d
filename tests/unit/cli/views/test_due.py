"""What is due, in words and colours."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as s
from leger_cli.output import Cell, Tone
from leger_cli.views import due

NOW = 1_700_000_000.0
DAY = 86_400


def at(days: float) -> Timestamp:
    """Return the time so many days from now."""
    return Timestamp(seconds=int(NOW + days * DAY))


def secret(*, rotate: float | None = None, expires: float | None = None) -> s.SecretInfo:
    """Return a secret that is due in so many days."""
    info = s.SecretInfo(name="api_key")
    if rotate is not None:
        info.rotate_due_time.CopyFrom(at(rotate))
    if expires is not None:
        info.notes.expire_time.CopyFrom(at(expires))
    return info


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (90, "in 90 days"),
        (14, ("in 14 days", Tone.CAUTION)),
        (1.5, ("in 1 day", Tone.CAUTION)),
        (0.1, ("in 2 hours", Tone.CAUTION)),
        (0.01, ("in 14 minutes", Tone.CAUTION)),
        (0, ("0 seconds overdue", Tone.BAD)),
        (-3, ("3 days overdue", Tone.BAD)),
    ],
)
def test_a_rotation_is_due_in_words(days: float, said: Cell) -> None:
    assert due.rotation(at(days), NOW) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (400, "expires in 400 days"),
        (5, ("expires in 5 days", Tone.CAUTION)),
        (0, ("expired", Tone.BAD)),
        (-400, ("expired", Tone.BAD)),
    ],
)
def test_an_expiry_is_said_in_words(days: float, said: Cell) -> None:
    assert due.expiry(at(days), NOW) == said


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (secret(), ("-", Tone.FAINT)),
        (secret(rotate=20, expires=30), "in 20 days"),
        (secret(rotate=20, expires=3), ("expires in 3 days", Tone.CAUTION)),
        (secret(rotate=-5, expires=-1), ("5 days overdue", Tone.BAD)),
    ],
)
def test_a_list_says_what_comes_first(info: s.SecretInfo, said: Cell) -> None:
    assert due.most_urgent(info, NOW) == said


@pytest.mark.parametrize(
    ("info", "needed"),
    [
        (secret(), False),
        (secret(rotate=1), False),
        (secret(rotate=0), True),
        (secret(expires=15), False),
        (secret(expires=14), True),
        (secret(expires=-1), True),
        (secret(rotate=1, expires=2), True),
    ],
)
def test_attention_is_for_what_is_overdue_expired_or_about_to(
    info: s.SecretInfo, needed: bool
) -> None:
    assert due.needs_attention(info, NOW) is needed
