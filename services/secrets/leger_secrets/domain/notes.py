"""What a person notes about a secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leger_runtime.errors import FieldViolation, Kind, LegerError

from leger_secrets.domain import names
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import SecretNotFound
from leger_secrets.domain.grants import Authorizer, Permission
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.stored import Author, Notes, SecretInfo
from leger_secrets.domain.time_asked import NoSuchTime, TimeAsked

MAX_DESCRIPTION = 1_000
MAX_LABELS = 64
MAX_LABEL_VALUE = 255
MAX_ROTATE_AFTER_DAYS = 3_650
MAX_PATHS = 200

_LABEL_KEY = re.compile(r"[A-Za-z0-9_./-]{1,63}")


class InvalidNotes(LegerError):
    """Notes that cannot be taken; each violation names one field of them, or the mask."""

    kind, reason = Kind.INVALID, "INVALID_NOTES"

    def __init__(self, name: str, violations: Sequence[FieldViolation]) -> None:
        super().__init__(
            f"What was to be noted about {name} was not.",
            why=" ".join(violation.description for violation in violations),
            next_step="Correct it and try again; nothing was changed.",
            violations=violations,
        )


@dataclass(frozen=True, kw_only=True)
class NotesAsked:
    """Notes as a request brings them."""

    description: str = ""
    labels: Mapping[str, str]
    expire_time: TimeAsked | None = None
    rotate_after_days: int = 0


class NoteKeeper:
    """Every request about notes. Errors and the audit log are as in Secrets."""

    def __init__(
        self, *, store: SecretStore, audit: AuditLog, grants: Authorizer, clock: Clock
    ) -> None:
        self._store = store
        self._audit = audit
        self._grants = grants
        self._clock = clock

    def update(
        self, name: str, asked: NotesAsked, *, mask: Sequence[str], by: Caller
    ) -> SecretInfo:
        """Take those fields that the mask names, and describe the secret as it is then.

        The mask has names of fields; "labels.KEY" is one label, removed when it is not asked for.
        Noting what is noted already changes nothing. Raises InvalidName, SecretNotFound,
        InvalidNotes.
        """
        entry = AuditEntry(by, Action.UPDATE, name, detail=" ".join(mask))
        with Decision(self._audit, entry) as decision:
            self._grants.check(by, Permission.PUT, name)
            names.check_secret(name)
            with self._store.writing(Author(by.principal, self._clock())) as store:
                info = store.info(name)
                if info is None:
                    raise SecretNotFound(name)
                notes = _updated(name, info.notes, asked, mask)
                if notes != info.notes:
                    store.set_notes(name, notes)
                    info = store.info(name) or info
                decision.allow(entry)
        return info


def check(name: str, notes: Notes) -> None:
    """Raise InvalidNotes unless a secret can have all of these notes."""
    if wrong := _wrong(notes):
        raise InvalidNotes(name, wrong)


def _updated(name: str, notes: Notes, asked: NotesAsked, mask: Sequence[str]) -> Notes:
    """Return the notes with the fields of the mask changed. Raises InvalidNotes."""
    if not 0 < len(mask) <= MAX_PATHS:
        why = f"The update mask names 1 to {MAX_PATHS} fields."
        raise InvalidNotes(name, [_violation("update_mask", why)])
    wrong = []
    for path in mask:
        field, _, label = path.partition(".")
        if path == "description":
            notes = replace(notes, description=asked.description)
        elif path == "rotate_after_days":
            notes = replace(notes, rotate_after_days=asked.rotate_after_days)
        elif path == "expire_time":
            try:
                expire = asked.expire_time
                notes = replace(notes, expire_time=None if expire is None else expire.moment())
            except NoSuchTime:
                why = "The time is outside of the years 1 to 9999."
                wrong.append(_violation("notes.expire_time", why))
        elif path == "labels":
            notes = replace(notes, labels=dict(asked.labels))
        elif field == "labels" and label:
            labels = {key: text for key, text in notes.labels.items() if key != label}
            if label in asked.labels:
                labels[label] = asked.labels[label]
            notes = replace(notes, labels=labels)
        else:
            wrong.append(_violation("update_mask", f"There is no field {names.quoted(path)}."))
    wrong += _wrong(notes)
    if wrong:
        raise InvalidNotes(name, wrong)
    return notes


def _wrong(notes: Notes) -> list[FieldViolation]:
    return [
        *_wrong_description(notes.description),
        *_wrong_interval(notes.rotate_after_days),
        *_wrong_labels(notes.labels),
    ]


def _wrong_description(text: str) -> list[FieldViolation]:
    field = "notes.description"
    if len(text) > MAX_DESCRIPTION:
        why = f"The description has {len(text)} characters; {MAX_DESCRIPTION} are the most."
        return [_violation(field, why)]
    if not text.isprintable():
        return [_violation(field, "The description has a character that cannot be printed.")]
    return []


def _wrong_interval(days: int) -> list[FieldViolation]:
    if days <= MAX_ROTATE_AFTER_DAYS:
        return []
    why = f"The rotation interval is {days} days; {MAX_ROTATE_AFTER_DAYS} are the most."
    return [_violation("notes.rotate_after_days", why)]


def _wrong_labels(labels: Mapping[str, str]) -> list[FieldViolation]:
    if len(labels) > MAX_LABELS:  # no more is said then, however many are wrong
        why = f"{len(labels)} labels are more than the {MAX_LABELS} that a secret can have."
        return [_violation("notes.labels", why)]
    return [violation for label in labels.items() for violation in _wrong_label(*label)]


def _wrong_label(key: str, text: str) -> list[FieldViolation]:
    shown = key.isprintable() and len(key) <= MAX_LABEL_VALUE
    field = f"notes.labels.{key}" if shown else "notes.labels"
    if not _LABEL_KEY.fullmatch(key):
        return [
            _violation(
                field,
                f"{names.quoted(key)} cannot be the key of a label: it takes 1 to 63 of the"
                " letters, digits, `_`, `.`, `-` and `/` of ASCII.",
            )
        ]
    if len(text) > MAX_LABEL_VALUE or not text.isprintable():
        why = f"The label {key} takes at most {MAX_LABEL_VALUE} printable characters."
        return [_violation(field, why)]
    return []


def _violation(field: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, description=description)
