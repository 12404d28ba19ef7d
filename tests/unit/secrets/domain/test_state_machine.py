"""The domain on the real store, beside a plain dict that does what setec says."""

import shutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from leger_runtime.errors import LegerError
from leger_secrets.adapters.private_keys import CryptographyKeyMaker
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.changes import Change, ChangeKind
from leger_secrets.domain.errors import AuditUnavailable
from leger_secrets.domain.generate import Generator, Password
from leger_secrets.domain.grants import Authorizer
from leger_secrets.domain.imports import Imports, Item
from leger_secrets.domain.notes import NoteKeeper, NotesAsked
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Author, Contents, Notes
from leger_secrets.domain.value import SecretValue
from leger_secrets.domain.watch import RevisionGone, Watches
from leger_secrets.domain.watch_slots import WatchSlots
from unit.secrets.fakes import KEY, ME, AuditEntries, Clock

NAMES = st.sampled_from(["a", "b/c"])
VALUES = st.sampled_from([b"", b"x", b"y"])
VERSIONS = st.integers(0, 5)
LABELS = st.dictionaries(st.sampled_from(["k", "k.l", "m"]), st.sampled_from(["", "v"]))
MASKS = st.lists(
    st.sampled_from(["description", "labels", "labels.k", "labels.k.l", "rotate_after_days"]),
    min_size=1,
)


@dataclass
class Model:
    """What there should be of one secret."""

    active: int
    previous: int = 0
    used: set[int] = field(default_factory=set)
    values: dict[int, bytes] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)

    def add(self, number: int, value: bytes) -> None:
        self.used.add(number)
        self.values[number] = value

    def activate(self, number: int, previous: int | None = None) -> None:
        if number != self.active:
            self.previous = self.active if previous is None else previous
            self.active = number

    def delete(self, number: int) -> None:
        del self.values[number]
        if number == self.previous:
            self.previous = 0


Models = dict[str, Model]


class Replay:
    """What a watcher makes of the changes alone: the active version and those that are stored."""

    def __init__(self) -> None:
        self.revision = 0
        self.secrets: dict[str, tuple[int, set[int]]] = {}

    def apply(self, change: Change) -> None:
        active, numbers = self.secrets.get(change.secret, (0, set()))
        match change.kind:
            case ChangeKind.VERSION_ADDED:
                self.secrets[change.secret] = active, numbers | {change.version}
            case ChangeKind.ACTIVATED:
                self.secrets[change.secret] = change.version, numbers
            case ChangeKind.VERSION_DELETED:
                self.secrets[change.secret] = active, numbers - {change.version}
            case ChangeKind.DELETED:
                del self.secrets[change.secret]
        self.revision = change.revision


class SecretsBesideADict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.model: Models = {}
        self.replay = Replay()
        self.backup: tuple[Contents, Models] | None = None
        self.audit = AuditEntries()
        self.clock = Clock()
        self.open()

    def open(self) -> None:
        self.store = SqlcipherSecretStore(path=self.directory / "secrets.db", key=KEY)
        parts: dict[str, Any] = {
            "store": self.store,
            "audit": self.audit,
            "grants": Authorizer(),
        }
        self.watches = Watches(**parts, slots=WatchSlots())
        parts["clock"] = self.clock
        self.secrets = Secrets(**parts)
        self.notes = NoteKeeper(**parts)
        self.imports = Imports(**parts)
        self.generator = Generator(secrets=self.secrets, keys=CryptographyKeyMaker())

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.directory)

    def reason(self, request: Callable[..., object], *arguments: object, **options: object) -> str:
        """Return "" when the request is granted, else the reason; its line says the same."""
        lines = len(self.audit.entries)
        try:
            request(*arguments, by=ME, **options)
            reason = ""
        except LegerError as error:
            reason = error.reason
        [line] = self.audit.entries[lines:]
        assert line.outcome == (reason or "allowed")
        return reason

    @rule(name=NAMES, value=VALUES, activate=st.booleans())
    def put(self, name: str, value: bytes, activate: bool) -> None:
        put = self.secrets.put(name, SecretValue(value), activate=activate, by=ME)
        model = self.model.setdefault(name, Model(active=1))
        latest = max(model.used, default=0)
        created = model.values.get(latest) != value
        number = latest + created
        model.add(number, value)
        if activate:
            model.activate(number)
        assert (put.version, put.created) == (number, created)
        assert put.active == (model.active == number)

    @rule(name=NAMES, activate=st.booleans())
    def generate(self, name: str, activate: bool) -> None:
        made = self.generator.generate(name, Password(), activate=activate, by=ME)
        model = self.model.setdefault(name, Model(active=1))
        value = self.secrets.get(name, version=made.version, by=ME).value
        assert value is not None
        assert made.version == max(model.used, default=0) + 1
        model.add(made.version, value.reveal())
        if activate:
            model.activate(made.version)
        assert made.active == (model.active == made.version)

    @rule(values=st.dictionaries(NAMES, VALUES, min_size=1), dry_run=st.booleans())
    def import_values(self, values: dict[str, bytes], dry_run: bool) -> None:
        items = [Item(name, SecretValue(value)) for name, value in values.items()]
        before = deepcopy(self.model)
        results, _ = self.imports.import_secrets(items, dry_run=dry_run, by=ME)
        for result, (name, value) in zip(results, values.items(), strict=True):
            change = "created" if name not in self.model else "updated"
            model = self.model.setdefault(name, Model(active=1))
            latest = max(model.used, default=0)
            if model.values.get(model.active) == value:
                number, change = model.active, "unchanged"
            elif model.values.get(latest) == value:
                number, change = latest, "activated"
            else:
                number = latest + 1
                model.add(number, value)
            model.activate(number)
            assert (result.name, result.version) == (name, number)
            assert result.change.value == change
        if dry_run:
            self.model = before

    @rule(name=NAMES, version=VERSIONS, value=VALUES)
    def create_version(self, name: str, version: int, value: bytes) -> None:
        model = self.model.get(name)
        expected = ""
        if version == 0:
            expected = "INVALID_VERSION"
        elif model and version in model.used:
            expected = "VERSION_CLAIMED"
        reason = self.reason(self.secrets.create_version, name, version, SecretValue(value))
        assert reason == expected
        if not expected:
            model = self.model.setdefault(name, Model(active=version))
            model.add(version, value)
            model.activate(version)

    @rule(name=NAMES, version=VERSIONS, if_version_not=VERSIONS)
    def get(self, name: str, version: int, if_version_not: int) -> None:
        model = self.model.get(name)
        if model is None:
            assert self.reason(self.secrets.get, name, version=version) == "SECRET_NOT_FOUND"
        elif (version or model.active) not in model.values:
            assert self.reason(self.secrets.get, name, version=version) == "VERSION_NOT_FOUND"
        else:
            got = self.secrets.get(name, version=version, if_version_not=if_version_not, by=ME)
            assert got.version == (version or model.active)
            if got.version == if_version_not:
                assert got.value is None
            else:
                assert got.value == SecretValue(model.values[got.version])

    @rule(name=NAMES, version=VERSIONS)
    def activate(self, name: str, version: int) -> None:
        expected = self.expected_of_version(name, version)
        assert self.reason(self.secrets.activate, name, version) == expected
        if not expected:
            self.model[name].activate(version)

    @precondition(lambda self: any(model.previous for model in self.model.values()))
    @rule()
    def roll_back(self) -> None:
        """Activate the version that was active before, as `leger secrets rollback` does."""
        for name, model in self.model.items():
            if model.previous:
                before = self.secrets.info(name, by=ME).previous
                assert before == model.previous
                assert self.secrets.activate(name, before, by=ME) == model.active
                model.activate(before)

    @rule(name=NAMES, version=VERSIONS)
    def activate_and_take_back(self, name: str, version: int) -> None:
        """Activate a version, and go back, as the deployer does when a rollout fails."""
        if self.expected_of_version(name, version):
            return
        model = self.model[name]
        active, previous = model.active, self.secrets.info(name, by=ME).previous
        self.secrets.activate(name, version, by=ME)
        model.activate(version)
        self.secrets.activate(name, active, previous=previous, by=ME)
        model.activate(active, previous)
        assert self.secrets.info(name, by=ME).previous == previous

    @rule(name=NAMES, version=VERSIONS)
    def delete_version(self, name: str, version: int) -> None:
        expected = self.expected_of_version(name, version)
        if not expected and self.model[name].active == version:
            expected = "VERSION_ACTIVE"
        assert self.reason(self.secrets.delete_version, name, version) == expected
        if not expected:
            self.model[name].delete(version)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        expected = "" if name in self.model else "SECRET_NOT_FOUND"
        assert self.reason(self.secrets.delete, name, force=False) == expected
        self.model.pop(name, None)

    @rule(name=NAMES, text=st.sampled_from(["", "d"]), labels=LABELS, days=VERSIONS, mask=MASKS)
    def note(
        self, name: str, text: str, labels: dict[str, str], days: int, mask: list[str]
    ) -> None:
        asked = NotesAsked(description=text, labels=labels, rotate_after_days=days)
        expected = "" if name in self.model else "SECRET_NOT_FOUND"
        assert self.reason(self.notes.update, name, asked, mask=mask) == expected
        if expected:
            return
        model = self.model[name]
        for path in mask:
            key = path.partition(".")[2]
            if key:
                kept = {k: v for k, v in model.notes.labels.items() if k != key}
                taken = {k: v for k, v in labels.items() if k == key}
                model.notes = replace(model.notes, labels=kept | taken)
            elif path == "labels":
                model.notes = replace(model.notes, labels=labels)
            elif path == "description":
                model.notes = replace(model.notes, description=text)
            else:
                model.notes = replace(model.notes, rotate_after_days=days)

    @rule(name=NAMES, value=VALUES)
    def put_without_audit(self, name: str, value: bytes) -> None:
        self.audit.full = True
        with pytest.raises(AuditUnavailable):
            self.secrets.put(name, SecretValue(value), activate=True, by=ME)
        self.audit.full = False

    @precondition(lambda self: self.model)
    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.open()

    @rule()
    def back_up(self) -> None:
        with self.store.reading() as view:
            self.backup = view.contents(), deepcopy(self.model)

    @precondition(lambda self: self.backup)
    @rule()
    def restore(self) -> None:
        assert self.backup
        contents, model = self.backup
        with self.store.writing(Author("operator:root", self.clock())) as writer:
            writer.replace_contents(contents)
        self.model = deepcopy(model)
        with pytest.raises(RevisionGone):
            next(self.watch())
        infos, self.replay.revision = self.secrets.list_secrets(by=ME)
        self.replay.secrets = {i.name: (i.active, {v.number for v in i.versions}) for i in infos}

    @invariant()
    def list_and_info_are_the_models(self) -> None:
        infos, _ = self.secrets.list_secrets(by=ME)
        assert {
            i.name: (i.active, i.previous, [v.number for v in i.versions], i.notes) for i in infos
        } == {
            name: (model.active, model.previous, sorted(model.values), model.notes)
            for name, model in self.model.items()
        }
        assert [self.secrets.info(info.name, by=ME) for info in infos] == infos

    @invariant()
    def whoever_watches_knows_as_much_as_the_list(self) -> None:
        with self.store.reading() as view:
            revision = view.revision()
        watch = self.watch()
        while self.replay.revision < revision:
            for change in next(watch):
                self.replay.apply(change)
        assert self.replay.secrets == {
            name: (model.active, set(model.values)) for name, model in self.model.items()
        }

    def watch(self) -> Any:
        return self.watches.watch(after=self.replay.revision, patterns=[], by=ME, client=Here())

    def expected_of_version(self, name: str, version: int) -> str:
        if version == 0:
            return "INVALID_VERSION"
        if name not in self.model:
            return "SECRET_NOT_FOUND"
        return "" if version in self.model[name].values else "VERSION_NOT_FOUND"


class Here:
    """A client that stays."""

    def is_active(self) -> bool:
        return True

    def cancel(self) -> None:
        raise AssertionError("nobody stalls")


TestSecretsBesideADict = SecretsBesideADict.TestCase
TestSecretsBesideADict.settings = settings(max_examples=25, stateful_step_count=30)
