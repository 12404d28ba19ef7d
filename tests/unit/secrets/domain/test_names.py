import pytest
from leger_secrets.domain import names
from leger_secrets.domain.errors import InvalidName


@pytest.mark.parametrize(
    "name",
    ["a", "openai_api_key", "prod/db/password", "schlüssel", "with space", "x" * 255, "a.b-c", "…"],
)
def test_a_printable_name_is_valid(name: str) -> None:
    names.check_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 256,
        "ü" * 128,
        " leading",
        "trailing ",
        "tab\there",
        "line\nbreak",
        "nul\0",
        "zero\u200bwidth",
        "\u00a0",
        "a//b",
        "/a",
        "a/",
        "/",
        "a/../b",
        "..",
        ".",
        "a/./b",
        "_internal/config",
    ],
)
def test_any_other_name_is_refused_and_the_field_is_named(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        names.check_secret(name, field="names[3]")
    assert [v.field for v in caught.value.violations] == ["names[3]"]
    assert caught.value.why.endswith(".")


@pytest.mark.parametrize("name", ["notes", "llm-stack", "a", "a" * 48])
def test_a_stack_is_named_by_letters_digits_and_hyphens(name: str) -> None:
    names.check_stack(name)


@pytest.mark.parametrize("name", ["", "Notes", "1a", "-a", "a_b", "a" * 49, "a/b", "a\n"])
def test_another_stack_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        names.check_stack(name)


@pytest.mark.parametrize(
    "name", ["web.service", "web@.service", "web@x.service", r"a\x2db.socket", "a:b.mount"]
)
def test_a_unit_that_takes_credentials_is_valid(name: str) -> None:
    names.check_unit(name)


@pytest.mark.parametrize(
    "name", ["", "web", "web.timer", "a/b.service", ".service", "we b.service", "x" * 260]
)
def test_another_unit_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        names.check_unit(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a:b", "é", "a b", "x" * 256])
def test_a_credential_is_named_by_plain_characters(name: str) -> None:
    names.check_credential("db_password-1.txt")
    with pytest.raises(InvalidName):
        names.check_credential(name)


def test_a_pair_that_systemd_could_not_ask_for_is_refused() -> None:
    unit = "web.service"
    names.check_address(unit, "c" * (83 - len(unit)))
    with pytest.raises(InvalidName, match="too long"):
        names.check_address(unit, "c" * (84 - len(unit)))


@pytest.mark.parametrize(
    ("unit", "template"),
    [
        ("web@x.service", "web@.service"),
        ("web@x@y.service", "web@.service"),
        ("web@1.2.service", "web@.service"),
        ("web@.service", None),
        ("web.service", None),
        ("nonsense", None),
    ],
)
def test_an_instance_has_a_template(unit: str, template: str | None) -> None:
    assert names.template_of(unit) == template


def test_a_quoted_name_is_safe_to_print() -> None:
    assert names.quoted("a\x1b[31m\nb") == r'"a\x1b[31m\nb"'
    assert len(names.quoted("x" * 1000)) == 82
