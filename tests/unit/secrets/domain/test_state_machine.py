"""The domain on the real store, beside a plain dict that does what setec says."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from leger_runtime.errors import LegerError
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.errors import AuditUnavailable
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import KEY, AuditEntries, Clock

NAMES = st.sampled_from(["a", "b/c"])
VALUES = st.sampled_from([b"", b"x", b"y"])
VERSIONS = st.integers(0, 5)
ME = "operator:root"


@dataclass
class Model:
    active: int
    used: set[int]
    values: dict[int, bytes] = field(default_factory=dict)


class SecretsBesideADict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.model: dict[str, Model] = {}
        self.audit = AuditEntries()
        self.open()

    def open(self) -> None:
        self.store = SqlcipherSecretStore(path=self.directory / "secrets.db", key=KEY)
        self.secrets = Secrets(store=self.store, audit=self.audit, clock=Clock())

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.directory)

    def reason(self, request: object, *arguments: object, **options: object) -> str:
        """Return "" when the request is granted, else the reason; its line says the same."""
        lines = len(self.audit.entries)
        try:
            request(*arguments, by=ME, **options)  # type: ignore[operator]
            reason = ""
        except LegerError as error:
            reason = error.reason
        [line] = self.audit.entries[lines:]
        assert line.outcome == (reason or "allowed")
        return reason

    @rule(name=NAMES, value=VALUES, activate=st.booleans())
    def put(self, name: str, value: bytes, activate: bool) -> None:
        put = self.secrets.put(name, SecretValue(value), activate=activate, by=ME)
        model = self.model.setdefault(name, Model(active=1, used=set()))
        latest = max(model.used, default=0)
        created = model.values.get(latest) != value
        number = latest + created
        model.used.add(number)
        model.values[number] = value
        if activate:
            model.active = number
        assert (put.version, put.created) == (number, created)
        assert put.active == (model.active == number)

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
            model = self.model.setdefault(name, Model(active=version, used=set()))
            model.active = version
            model.used.add(version)
            model.values[version] = value

    @rule(name=NAMES, version=VERSIONS)
    def get(self, name: str, version: int) -> None:
        model = self.model.get(name)
        if model is None:
            assert self.reason(self.secrets.get, name, version=version) == "SECRET_NOT_FOUND"
        elif (version or model.active) not in model.values:
            assert self.reason(self.secrets.get, name, version=version) == "VERSION_NOT_FOUND"
        else:
            got = self.secrets.get(name, version=version, by=ME)
            assert got.version == (version or model.active)
            assert got.value == SecretValue(model.values[got.version])

    @rule(name=NAMES, version=VERSIONS)
    def activate(self, name: str, version: int) -> None:
        expected = self.expected_of_version(name, version)
        assert self.reason(self.secrets.activate, name, version) == expected
        if not expected:
            self.model[name].active = version

    @rule(name=NAMES, version=VERSIONS)
    def delete_version(self, name: str, version: int) -> None:
        expected = self.expected_of_version(name, version)
        if not expected and self.model[name].active == version:
            expected = "VERSION_ACTIVE"
        assert self.reason(self.secrets.delete_version, name, version) == expected
        if not expected:
            del self.model[name].values[version]

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        expected = "" if name in self.model else "SECRET_NOT_FOUND"
        assert self.reason(self.secrets.delete, name, force=False) == expected
        self.model.pop(name, None)

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

    @invariant()
    def the_list_is_the_models(self) -> None:
        infos, _ = self.secrets.list_secrets(by=ME)
        assert {i.name: (i.active, [v.number for v in i.versions]) for i in infos} == {
            name: (model.active, sorted(model.values)) for name, model in self.model.items()
        }

    def expected_of_version(self, name: str, version: int) -> str:
        if version == 0:
            return "INVALID_VERSION"
        if name not in self.model:
            return "SECRET_NOT_FOUND"
        return "" if version in self.model[name].values else "VERSION_NOT_FOUND"


TestSecretsBesideADict = SecretsBesideADict.TestCase
TestSecretsBesideADict.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
