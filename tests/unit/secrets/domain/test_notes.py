from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from leger_secrets.domain.errors import InvalidName, SecretNotFound
from leger_secrets.domain.notes import InvalidNotes, NoteKeeper, NotesAsked
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Notes, SecretInfo
from leger_secrets.domain.time_asked import TimeAsked
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import ME, Clock

DAY = 24 * 60 * 60
EVERYTHING = NotesAsked(
    description="Key of the API",
    labels={"team": "ops", "env.tier": "prod"},
    expire_time=TimeAsked(1, 500_000_000),
    rotate_after_days=90,
)


@pytest.fixture(autouse=True)
def stored(secrets: Secrets) -> None:
    secrets.put("a", SecretValue(b"one"), activate=False, by=ME)


def update(notes: NoteKeeper, asked: NotesAsked, *mask: str) -> SecretInfo:
    return notes.update("a", asked, mask=mask, by=ME)


def wrong(notes: NoteKeeper, asked: NotesAsked, *mask: str) -> list[str]:
    """Return the fields that are said to be wrong."""
    with pytest.raises(InvalidNotes) as caught:
        update(notes, asked, *mask)
    assert caught.value.why
    return [violation.field for violation in caught.value.violations]


def test_only_the_fields_of_the_mask_are_taken(notes: NoteKeeper) -> None:
    assert update(notes, EVERYTHING, "description").notes == Notes(description="Key of the API")
    update(notes, EVERYTHING, "labels", "expire_time", "rotate_after_days")
    info = update(notes, NotesAsked(labels={}), "description")
    assert info.notes == Notes(
        labels={"team": "ops", "env.tier": "prod"},
        expire_time=datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
        rotate_after_days=90,
    )


def test_a_field_of_the_mask_that_is_not_asked_for_is_cleared(notes: NoteKeeper) -> None:
    everything = ("description", "labels", "expire_time", "rotate_after_days")
    update(notes, EVERYTHING, *everything)
    assert update(notes, NotesAsked(labels={}), *everything).notes == Notes()


def test_one_label_is_set_and_removed_alone(notes: NoteKeeper) -> None:
    update(notes, EVERYTHING, "labels")
    info = update(notes, NotesAsked(labels={"env.tier": "test", "x": "y"}), "labels.env.tier")
    assert info.notes.labels == {"team": "ops", "env.tier": "test"}
    info = update(notes, NotesAsked(labels={}), "labels.env.tier")
    assert info.notes.labels == {"team": "ops"}
    assert update(notes, NotesAsked(labels={}), "labels.absent").notes.labels == {"team": "ops"}


def test_versions_stay_as_they_are(notes: NoteKeeper, secrets: Secrets) -> None:
    before = secrets.info("a", by=ME)
    after = update(notes, EVERYTHING, "description")
    assert (after.versions, after.active) == (before.versions, before.active)
    assert after.updated.time > before.updated.time
    assert after.revision == before.revision + 1


def test_noting_what_is_noted_already_changes_nothing(notes: NoteKeeper) -> None:
    before = update(notes, EVERYTHING, "description", "labels")
    assert update(notes, EVERYTHING, "labels", "description") == before


def test_rotation_is_due_so_many_days_after_the_activation(
    notes: NoteKeeper, secrets: Secrets
) -> None:
    info = update(notes, EVERYTHING, "rotate_after_days")
    assert info.rotate_due_time == info.activate_time + timedelta(days=90)
    secrets.put("a", SecretValue(b"two"), activate=True, by=ME)
    rotated = secrets.info("a", by=ME)
    assert rotated.activate_time > info.activate_time
    assert rotated.rotate_due_time == rotated.activate_time + timedelta(days=90)


def test_rotation_that_is_due_after_the_last_year_is_due_in_it(
    notes: NoteKeeper, secrets: Secrets, clock: Clock
) -> None:
    clock.now = datetime(9999, 12, 30, tzinfo=UTC)
    secrets.put("b", SecretValue(b"one"), activate=False, by=ME)
    info = notes.update("b", EVERYTHING, mask=["rotate_after_days"], by=ME)
    assert info.rotate_due_time == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("mask", [(), ("",), ("value",), ("labels.",), ("Description",), ("*",)])
def test_a_mask_that_names_no_field_is_refused(notes: NoteKeeper, mask: Sequence[str]) -> None:
    assert wrong(notes, EVERYTHING, *mask) == ["update_mask"]


@pytest.mark.parametrize(
    ("asked", "mask", "field"),
    [
        (NotesAsked(labels={}, description="x" * 1001), "description", "notes.description"),
        (NotesAsked(labels={}, description="a\nb"), "description", "notes.description"),
        (NotesAsked(labels={}, rotate_after_days=3651), "rotate_after_days", None),
        (NotesAsked(labels={}, expire_time=TimeAsked(DAY * 365 * 9000)), "expire_time", None),
        (NotesAsked(labels={}, expire_time=TimeAsked(-DAY * 365 * 3000)), "expire_time", None),
        (NotesAsked(labels={}, expire_time=TimeAsked(2**63)), "expire_time", None),
        (NotesAsked(labels={"a b": "x"}), "labels", "notes.labels.a b"),
        (NotesAsked(labels={"a\n": "x"}), "labels", "notes.labels"),
        (NotesAsked(labels={"k" * 64: "x"}), "labels", f"notes.labels.{'k' * 64}"),
        (NotesAsked(labels={"": "x"}), "labels", "notes.labels."),
        (NotesAsked(labels={"k": "x" * 256}), "labels", "notes.labels.k"),
        (NotesAsked(labels={"k": "\x1b[2J"}), "labels.k", "notes.labels.k"),
        (NotesAsked(labels={str(n): "" for n in range(65)}), "labels", "notes.labels"),
    ],
)
def test_a_field_that_cannot_be_noted_is_named_and_nothing_is_changed(
    notes: NoteKeeper, secrets: Secrets, asked: NotesAsked, mask: str, field: str | None
) -> None:
    assert wrong(notes, asked, mask) == [field or f"notes.{mask}"]
    assert secrets.info("a", by=ME).notes == Notes()


def test_the_largest_notes_are_taken(notes: NoteKeeper) -> None:
    labels = {f"{n:02}" + "k" * 61: "ü" * 255 for n in range(64)}
    asked = NotesAsked(
        description="ü" * 1000,
        labels=labels,
        expire_time=TimeAsked(DAY * 365 * 8000),
        rotate_after_days=3650,
    )
    info = update(notes, asked, "description", "labels", "expire_time", "rotate_after_days")
    assert info.notes.labels == labels


def test_all_that_is_wrong_is_said_at_once(notes: NoteKeeper) -> None:
    asked = NotesAsked(description="\0", labels={"?": "", "k": "\n"}, rotate_after_days=9999)
    assert wrong(notes, asked, "description", "labels", "rotate_after_days", "colour") == [
        "update_mask",
        "notes.description",
        "notes.rotate_after_days",
        "notes.labels.?",
        "notes.labels.k",
    ]


def test_what_is_wrong_stays_short_enough_to_be_told(notes: NoteKeeper) -> None:
    many = NotesAsked(labels={f"?{n}": "" for n in range(10_000)})
    assert wrong(notes, many, "labels") == ["notes.labels"]
    assert wrong(notes, many, *(f"labels.?{n}" for n in range(10_000))) == ["update_mask"]
    assert wrong(notes, NotesAsked(labels={"?" * 10_000: ""}), "labels") == ["notes.labels"]


def test_a_label_more_than_there_can_be_is_refused(notes: NoteKeeper) -> None:
    update(notes, NotesAsked(labels={str(n): "" for n in range(64)}), "labels")
    assert wrong(notes, NotesAsked(labels={"x": ""}), "labels.x") == ["notes.labels"]


def test_notes_are_of_a_secret_that_is_stored(notes: NoteKeeper) -> None:
    with pytest.raises(SecretNotFound):
        notes.update("absent", EVERYTHING, mask=["description"], by=ME)
    with pytest.raises(InvalidName):
        notes.update("a/../b", EVERYTHING, mask=["description"], by=ME)
