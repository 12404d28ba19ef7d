"""`.env` files, against a real shell and the library that most programs read them with."""

import os
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from leger_cli.formats import FileInvalid, NotRepresentable, env

# What quoting is about, more often than chance would have it.
TEXTS = st.text(
    st.one_of(st.sampled_from("'\"\\$`#= \n\t!{}()~*;&|"), st.characters(codec="utf-8")),
    max_size=30,
)


def problems(error: FileInvalid | NotRepresentable) -> dict[str, str]:
    return {violation.field: violation.description for violation in error.violations}


def by_shell(path: Path, name: str) -> bytes:
    """Return what a program gets that a shell starts after `set -a; . FILE`."""
    script = f'set -a; . "{path}"; exec printenv -0 {name}'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    assert done.stderr == b""
    return done.stdout.removesuffix(b"\0")


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=TEXTS)
@example(text="it's")
@example(text='"quoted"\\')
@example(text="a\\\\b")
@example(text="${HOME} $(id) `id`")
@example(text="-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n")
def test_a_shell_and_a_dotenv_library_both_get_exactly_the_value(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    try:
        written = env.dump({"app/key": text.encode()})
    except NotRepresentable:
        event("not representable")
        assert {"\0", "\r"} & {*text} or ({"'", "\\"} & {*text} and {"$", "`"} & {*text})
        return
    path.write_bytes(written.encode())
    assert by_shell(path, "APP_KEY") == text.encode()
    assert dotenv_values(path, interpolate=False) == {"APP_KEY": text}
    assert env.parse(written) == {"APP_KEY": text.encode()}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xff", "It is not UTF-8."),
        (b"a\0b", "It has a NUL byte, which no variable can hold."),
        (b"a\r\nb", "It has a carriage return, which dotenv libraries turn into a line end."),
        (
            b"it's $5",
            "It has ' or \\ together with $ or `, which shells and dotenv libraries quote",
        ),
    ],
)
def test_what_cannot_be_written_is_named_and_not_shown(value: bytes, why: str) -> None:
    with pytest.raises(NotRepresentable) as caught:
        env.dump({"good": b"x", "bad": value})
    assert list(problems(caught.value)) == ["bad"]
    assert problems(caught.value)["bad"].startswith(why)


def test_two_secrets_cannot_have_one_variable() -> None:
    with pytest.raises(NotRepresentable) as caught:
        env.dump({"app/key": b"1", "app_key": b"2"})
    assert problems(caught.value) == {
        "app_key": "Its variable would be APP_KEY, as that of app/key."
    }


@pytest.mark.parametrize(
    ("secret", "variable"),
    [
        ("openai_api_key", "OPENAI_API_KEY"),
        ("notes/db-password", "NOTES_DB_PASSWORD"),
        ("2fa", "_2FA"),
        ("Älter", "_LTER"),
    ],
)
def test_a_variable_is_the_name_in_upper_case(secret: str, variable: str) -> None:
    assert env.variable(secret) == variable
    assert env.NAME.fullmatch(variable)


def test_the_usual_forms_of_a_file_are_read() -> None:
    text = """
# a comment
PLAIN=value   # and why
export EXPORTED = spaced
SINGLE='a # b'
DOUBLE="two\\nlines"
MULTI="-----BEGIN-----
AAAA
-----END-----"
DOLLAR=pa$$word-${HOME}
URL=https://x.test/?a=b#c
"""
    assert env.parse(text) == {
        "PLAIN": b"value",
        "EXPORTED": b"spaced",
        "SINGLE": b"a # b",
        "DOUBLE": b"two\nlines",
        "MULTI": b"-----BEGIN-----\nAAAA\n-----END-----",
        "DOLLAR": b"pa$$word-${HOME}",
        "URL": b"https://x.test/?a=b#c",
    }


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), TEXTS, max_size=4))
def test_what_the_library_reads_is_what_is_read_here(values: dict[str, str]) -> None:
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    theirs = dotenv_values(stream=StringIO(text, newline=None), interpolate=False)
    try:
        ours = env.parse(text)
    except FileInvalid:
        return
    assert {name: value.decode() for name, value in ours.items()} == theirs


def test_windows_line_ends_are_line_ends() -> None:
    assert env.parse("A=1\r\nB='x\r\ny'\r\n") == {"A": b"1", "B": b"x\ny"}


def test_each_wrong_line_is_named_by_its_number_and_not_shown() -> None:
    text = "A=1\n\nhunter2\nB='unfinished\nA=2\n\n# end\n"
    with pytest.raises(FileInvalid) as caught:
        env.parse(text)
    assert problems(caught.value) == {
        "line 3": "There is no `=` in it.",
        "line 4": "It is no assignment, or a quotation mark is missing.",
        "line 5": "A has a value in line 1 already.",
    }
    assert "hunter2" not in repr(problems(caught.value)) + str(caught.value)
