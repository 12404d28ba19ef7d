import pytest
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.errors import InvalidName, ValueTooLarge, VersionClaimed
from leger_secrets.domain.imports import Imports, Item
from leger_secrets.domain.limits import MAX_VALUE, MAX_VERSION
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import DEPLOYER, ME, AuditEntries

NEW = [Item(name, SecretValue(b"new")) for name in ("created", "updated", "same", "waiting")]


@pytest.fixture(autouse=True)
def stored(secrets: Secrets, bindings: Bindings, audit: AuditEntries) -> None:
    for name, value, activate in [
        ("updated", b"old", True),
        ("same", b"new", True),
        ("same", b"later", False),
        ("waiting", b"old", True),
        ("waiting", b"new", False),
    ]:
        secrets.put(name, SecretValue(value), activate=activate, by=ME)
    units = [Binding(unit, "c", "updated") for unit in ("web.service", "db.service")]
    bindings.bind_stack("notes", [*units, Binding("db.service", "d", "updated")], by=DEPLOYER)
    audit.entries.clear()


def done(imports: Imports, *, dry_run: bool = False) -> list[tuple[str, str, int, tuple[str, ...]]]:
    results, _ = imports.import_secrets(NEW, dry_run=dry_run, by=ME)
    return [(r.name, r.change.value, r.version, r.units) for r in results]


EXPECTED = [
    ("created", "created", 1, ()),
    ("updated", "updated", 2, ("db.service", "web.service")),
    ("same", "unchanged", 1, ()),
    ("waiting", "activated", 2, ()),
]


def test_each_value_is_the_active_one_afterwards(imports: Imports, secrets: Secrets) -> None:
    assert done(imports) == EXPECTED
    for name, _, version, _ in EXPECTED:
        got = secrets.get(name, by=ME)
        assert (got.version, got.value) == (version, SecretValue(b"new"))
    assert [v.number for v in secrets.info("same", by=ME).versions] == [1, 2]


def test_a_second_import_of_the_same_changes_nothing(imports: Imports, secrets: Secrets) -> None:
    done(imports)
    before = secrets.list_secrets(by=ME)
    assert {change for _, change, _, _ in done(imports)} == {"unchanged"}
    assert secrets.list_secrets(by=ME) == before


def test_a_dry_run_tells_the_same_and_changes_nothing(
    imports: Imports, secrets: Secrets, audit: AuditEntries
) -> None:
    before = secrets.list_secrets(by=ME)
    assert done(imports, dry_run=True) == EXPECTED
    assert {entry.detail for entry in audit.entries[1:]} == {"dry run"}
    assert secrets.list_secrets(by=ME) == before
    assert done(imports) == EXPECTED


def test_all_of_it_is_one_revision_and_one_write_of_the_audit_log(
    imports: Imports, store: SqlcipherSecretStore, audit: AuditEntries
) -> None:
    with store.reading() as view:
        before = view.revision()
    writes = audit.writes
    _, revision = imports.import_secrets(NEW, dry_run=False, by=ME)
    assert revision == before + 1
    assert audit.writes == writes + 1
    assert [(e.action, e.secret, e.version, e.detail) for e in audit.entries] == [
        ("put", name, version, "import") for name, _, version, _ in EXPECTED
    ]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ([Item("a/../b", SecretValue(b""))], "secrets[4].name"),
        ([Item("created", SecretValue(b"twice"))], "secrets[4].name"),
        ([Item(f"n{n}", SecretValue(b"")) for n in range(997)], "secrets"),
    ],
)
def test_one_bad_name_and_nothing_is_imported(
    imports: Imports, secrets: Secrets, bad: list[Item], field: str, dry_run: bool
) -> None:
    before = secrets.list_secrets(by=ME)
    with pytest.raises(InvalidName) as caught:
        imports.import_secrets([*NEW, *bad], dry_run=dry_run, by=ME)
    assert [v.field for v in caught.value.violations] == [field]
    assert secrets.list_secrets(by=ME) == before


def test_an_import_of_nothing_is_refused(imports: Imports) -> None:
    with pytest.raises(InvalidName):
        imports.import_secrets([], dry_run=False, by=ME)


def test_one_value_that_is_too_large_and_nothing_is_imported(
    imports: Imports, secrets: Secrets, audit: AuditEntries
) -> None:
    before = secrets.list_secrets(by=ME)
    audit.entries.clear()
    with pytest.raises(ValueTooLarge) as caught:
        imports.import_secrets(
            [*NEW, Item("x", SecretValue(b"x" * (MAX_VALUE + 1)))], dry_run=False, by=ME
        )
    assert [v.field for v in caught.value.violations] == ["secrets[4].value"]
    assert {(e.secret, e.outcome) for e in audit.entries} == {
        (name, "VALUE_TOO_LARGE") for name in ("created", "updated", "same", "waiting", "x")
    }
    assert secrets.list_secrets(by=ME) == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_one_secret_without_a_number_left_and_nothing_is_imported(
    imports: Imports, secrets: Secrets, dry_run: bool
) -> None:
    secrets.create_version("full", MAX_VERSION, SecretValue(b"last"), by=ME)
    before = secrets.list_secrets(by=ME)
    with pytest.raises(VersionClaimed):
        imports.import_secrets([*NEW, Item("full", SecretValue(b"x"))], dry_run=dry_run, by=ME)
    assert secrets.list_secrets(by=ME) == before


def test_a_value_whose_latest_version_was_deleted_is_stored_anew(
    imports: Imports, secrets: Secrets
) -> None:
    secrets.delete_version("waiting", 2, by=ME)
    assert done(imports)[3] == ("waiting", "updated", 3, ())
    assert secrets.get("waiting", by=ME).version == 3
