import pytest
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.errors import InvalidName, UnitBound
from leger_secrets.domain.limits import MAX_BINDINGS
from leger_secrets.domain.stored import Binding, StackBinding
from unit.secrets.fakes import DEPLOYER

TOKEN = Binding("web.service", "token", "api/token")
PASSWORD = Binding("db.service", "password", "db/password")


def test_binding_a_stack_replaces_all_it_had(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [TOKEN, PASSWORD], by=DEPLOYER)
    bindings.bind_stack("notes", [PASSWORD], by=DEPLOYER)
    assert bindings.list_bindings() == [StackBinding("notes", PASSWORD)]
    bindings.bind_stack("notes", [], by=DEPLOYER)
    assert bindings.list_bindings() == []


def test_binding_one_stack_leaves_the_others(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [TOKEN], by=DEPLOYER)
    bindings.bind_stack("blog", [PASSWORD], by=DEPLOYER)
    assert bindings.list_bindings() == [
        StackBinding("blog", PASSWORD),
        StackBinding("notes", TOKEN),
    ]


def test_bindings_are_listed_of_a_stack_or_of_a_secret(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [TOKEN, PASSWORD], by=DEPLOYER)
    assert bindings.list_bindings(secret="api/token") == [StackBinding("notes", TOKEN)]
    assert bindings.list_bindings(stack="blog") == []
    assert bindings.list_bindings(stack="notes", secret="db/password") == [
        StackBinding("notes", PASSWORD)
    ]


def test_a_unit_of_another_stack_cannot_be_bound(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [TOKEN], by=DEPLOYER)
    with pytest.raises(UnitBound) as caught:
        bindings.bind_stack(
            "blog", [PASSWORD, Binding("web.service", "x", "db/password")], by=DEPLOYER
        )
    assert "notes" in caught.value.why
    assert bindings.list_bindings() == [StackBinding("notes", TOKEN)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("web@.service", "web@x.service"), ("web@x.service", "web@.service")],
)
def test_a_template_and_its_instances_are_of_one_stack(
    bindings: Bindings, ours: str, theirs: str
) -> None:
    bindings.bind_stack("notes", [Binding(ours, "token", "a")], by=DEPLOYER)
    with pytest.raises(UnitBound):
        bindings.bind_stack("blog", [Binding(theirs, "token", "b")], by=DEPLOYER)
    bindings.bind_stack(
        "notes", [Binding(ours, "token", "a"), Binding(theirs, "token", "b")], by=DEPLOYER
    )


def test_two_instances_may_be_of_two_stacks(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [Binding("web@x.service", "token", "a")], by=DEPLOYER)
    bindings.bind_stack("blog", [Binding("web@y.service", "token", "b")], by=DEPLOYER)
    assert len(bindings.list_bindings()) == 2


def test_a_unit_of_a_removed_stack_is_free(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [TOKEN], by=DEPLOYER)
    bindings.bind_stack("notes", [], by=DEPLOYER)
    bindings.bind_stack("blog", [TOKEN], by=DEPLOYER)


def test_the_same_binding_twice_is_one(bindings: Bindings) -> None:
    bindings.bind_stack("notes", [TOKEN, TOKEN], by=DEPLOYER)
    assert bindings.list_bindings() == [StackBinding("notes", TOKEN)]


@pytest.mark.parametrize(
    ("binding", "field"),
    [
        (Binding("web", "token", "a"), "bindings[1].unit"),
        (Binding("web.service", "to/ken", "a"), "bindings[1].credential"),
        (Binding("web.service", "c" * 80, "a"), "bindings[1].credential"),
        (Binding("web.service", "token", "a/../b"), "bindings[1].secret"),
        (Binding("db.service", "password", "another"), "bindings[1].credential"),
    ],
)
def test_a_bad_binding_is_named_and_nothing_is_bound(
    bindings: Bindings, binding: Binding, field: str
) -> None:
    with pytest.raises(InvalidName) as caught:
        bindings.bind_stack("notes", [PASSWORD, binding], by=DEPLOYER)
    assert [v.field for v in caught.value.violations] == [field]
    assert bindings.list_bindings() == []


def test_a_stack_has_so_many_bindings_at_most(bindings: Bindings) -> None:
    many = [Binding("web.service", f"c{n}", "a") for n in range(MAX_BINDINGS + 1)]
    with pytest.raises(InvalidName) as caught:
        bindings.bind_stack("notes", many, by=DEPLOYER)
    assert [v.field for v in caught.value.violations] == ["bindings"]
    bindings.bind_stack("notes", many[1:], by=DEPLOYER)


def test_a_bad_stack_name_is_refused(bindings: Bindings) -> None:
    with pytest.raises(InvalidName):
        bindings.bind_stack("No Tes", [], by=DEPLOYER)
