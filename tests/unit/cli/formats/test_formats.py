"""Which format a file has, and what all of them refuse."""

import pytest
from leger_cli import formats
from leger_cli.errors import UsageError
from leger_cli.formats import FileInvalid, Format


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (".env", Format.ENV),
        ("/srv/app/.env.local", Format.ENV),
        ("prod.env", Format.ENV),
        ("secrets.json", Format.JSON),
        (".env.json", Format.JSON),
        ("SECRETS.YML", Format.YAML),
        ("a.yaml", Format.YAML),
    ],
)
def test_the_name_of_a_file_says_how_it_is_written(name: str, form: Format) -> None:
    assert formats.of_name(name) is form


@pytest.mark.parametrize("name", ["-", "secrets", "env/secrets.txt", "environment"])
def test_any_other_name_asks_for_the_format(name: str) -> None:
    with pytest.raises(UsageError, match="not clear"):
        formats.of_name(name)


@pytest.mark.parametrize("form", Format)
def test_what_is_no_text_is_refused(form: Format) -> None:
    with pytest.raises(FileInvalid) as caught:
        formats.parse(b"A='\xff'", form)
    assert caught.value.violations[0].description == "It is not UTF-8."


def test_an_empty_value_and_an_empty_file_are_refused() -> None:
    with pytest.raises(FileInvalid) as caught:
        formats.parse(b"A=\nB=x\n", Format.ENV)
    assert [violation.field for violation in caught.value.violations] == ["A"]
    with pytest.raises(FileInvalid):
        formats.parse(b"# nothing yet\n", Format.ENV)


@pytest.mark.parametrize("form", Format)
def test_a_byte_order_mark_is_no_part_of_the_first_name(form: Format) -> None:
    text = {Format.ENV: "A=x", Format.JSON: '{"A": "x"}', Format.YAML: "A: x"}[form]
    assert formats.parse(text.encode("utf-8-sig"), form) == {"A": b"x"}
