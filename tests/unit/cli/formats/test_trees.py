"""JSON and YAML files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_cli import formats
from leger_cli.formats import FileInvalid, Format, NotRepresentable, trees

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=150)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)

TOO_MUCH = {"content": "It has over 1,000 values or 7,000,000 bytes."}


def problems(form: Format, text: str) -> dict[str, str]:
    """Return what is wrong in a file, by where."""
    with pytest.raises(FileInvalid) as caught:
        formats.parse(text.encode(), form)
    assert "hunter2" not in repr(caught.value.violations) + str(caught.value)
    return {violation.field: violation.description for violation in caught.value.violations}


@given(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=5))
def test_what_is_written_as_json_is_read_again(values: dict[str, str]) -> None:
    stored = {name: text.encode() for name, text in values.items()}
    written = trees.dump_json(stored)
    assert json.loads(written) == values
    assert trees.parse_json(written) == stored


@given(st.dictionaries(NAMES, st.one_of(TEXTS.map(str.encode), st.binary(max_size=40)), min_size=1))
def test_what_is_written_as_yaml_is_read_again(values: dict[str, bytes]) -> None:
    assert trees.parse_yaml(trees.dump_yaml(values)) == values


def test_json_cannot_hold_what_is_no_text() -> None:
    with pytest.raises(NotRepresentable) as caught:
        trees.dump_json({"text": b"x", "bytes": b"\xff"})
    assert [violation.field for violation in caught.value.violations] == ["bytes"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Format.JSON, '{"db": {"user": "a", "prod": {"password": "b"}}, "key": "c"}'),
        (Format.YAML, "db:\n  user: a\n  prod: {password: b}\nkey: 'c'\n"),
    ],
)
def test_a_name_inside_another_follows_it_after_a_slash(form: Format, text: str) -> None:
    assert formats.parse(text.encode(), form) == {
        "db/user": b"a",
        "db/prod/password": b"b",
        "key": b"c",
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("1234", "It is a number; write it in quotation marks."),
        ("0.50", "It is a number; write it in quotation marks."),
        ("true", "It is true or false; write it in quotation marks."),
        ("null", "It has no value."),
        ("[]", "There is nothing in it."),
        ("{}", "There is nothing in it."),
        ('["hunter2"]', "It is a list; give each item a name."),
        ('""', "Its value is empty."),
        ('"\\ud800"', "It has half a character."),
    ],
)
@pytest.mark.parametrize("form", [Format.JSON, Format.YAML])
def test_what_is_no_string_is_named(form: Format, value: str, why: str) -> None:
    if value == "[]" and form is Format.JSON:
        why = "It is a list; give each item a name."
    assert problems(form, f'{{"a": {{"b": {value}}}, "fine": "x"}}') == {"a/b": why}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pin: 0123", {"pin": "It is a number; write it in quotation marks."}),
        ("day: 2027-01-01", {"day": "It is no string; write it in quotation marks."}),
        ("on: yes", {"on": "It is true or false; write it in quotation marks."}),
        ("x: !thing hunter2", {"x": "It is no string; write it in quotation marks."}),
        ("x: !!binary hunter2!", {"x": "It is not base64."}),
        ("? [hunter2]\n: x\n", {"line 1": "It begins with no name."}),
        ("d: &d {a: x}\ne:\n  <<: *d\n", {"line 3": "It begins with no name."}),
        ("a: x\na: y\n", {"a": "It is there twice."}),
        ("a: x\nb: *hunter2\n", {"line 2": "It is no yaml at column 4."}),
        ("a: 'hunter2\n", {"line 2": "It is no yaml at column 1."}),
        ("- hunter2\n", {"content": "It is not names with values."}),
        ("hunter2", {"content": "It is not names with values."}),
        ("", {"content": "It is not names with values."}),
    ],
)
def test_what_yaml_may_mean_otherwise_is_refused(text: str, found: dict[str, str]) -> None:
    assert problems(Format.YAML, text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": "x", "a": "y"}', {"a": "It is there twice."}),
        ('{"a": {"b": "x"}, "a/b": "y"}', {"a/b": "It is there twice."}),
        ('{"a": hunter2}', {"line 1": "It is no json at column 7."}),
        ('["hunter2"]', {"content": "It is not names with values."}),
        ('"hunter2"', {"content": "It is not names with values."}),
        ("{}", {"content": "It names no secret."}),
        ('{"a":' * 100_000, {"content": "It is not names with values."}),
    ],
)
def test_what_json_leaves_open_is_refused(text: str, found: dict[str, str]) -> None:
    assert problems(Format.JSON, text) == found


def test_a_tree_whose_aliases_multiply_ends() -> None:
    lines = ["a0: &a0 {x: y, z: y}"]
    lines += [f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 30)]
    assert problems(Format.YAML, "\n".join(lines)) == TOO_MUCH
    lines = [f"a: &a '{'x' * 1_000_000}'", *(f"b{n}: *a" for n in range(900))]
    assert problems(Format.YAML, "\n".join(lines)) == TOO_MUCH


def test_a_tree_that_leads_back_to_itself_ends() -> None:
    found = problems(Format.YAML, "a: &a\n  b: *a\n  c: x\n")
    assert "It leads too deep, perhaps back to itself." in found.values()
