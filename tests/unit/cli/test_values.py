"""Values from a person and from a pipe."""

import io
import sys

import pytest
from leger_cli import values
from leger_cli.terminal import EntriesDiffer


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def typed(monkeypatch: pytest.MonkeyPatch, *entries: str) -> None:
    waiting = list(entries)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda *_args, **_kw: waiting.pop(0))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b"secret\n\n", b"secret\n\n"),
        (b"secret\r\n", b"secret"),
        (b"secret\r", b"secret\r"),
        (b"two\r\nlines\r\n", b"two\r\nlines\r\n"),
        (b"two\nlines\n", b"two\nlines\n"),
        (b" spaces \n", b" spaces "),
        (b"\x00\xff\n", b"\x00\xff"),
    ],
)
def test_one_line_loses_its_line_end_and_more_are_kept(
    monkeypatch: pytest.MonkeyPatch, data: bytes, value: bytes
) -> None:
    piped(monkeypatch, data)
    assert values.read("key", raw=False) == value


def test_raw_input_is_kept_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, b"secret\r\n")
    assert values.read("key", raw=True) == b"secret\r\n"


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n"])
def test_no_input_is_no_value(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    piped(monkeypatch, data)
    with pytest.raises(values.ValueEmpty):
        values.read("key", raw=False)


def test_the_largest_value_may_be_followed_by_a_line_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piped(monkeypatch, b"x" * values.MAX_VALUE + b"\r\n")
    assert len(values.read("key", raw=False)) == values.MAX_VALUE


def test_a_larger_value_is_refused_without_reading_it_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piped(monkeypatch, b"x" * (values.MAX_VALUE + 100))
    with pytest.raises(values.ValueTooLarge):
        values.read("key", raw=False)
    assert sys.stdin.buffer.tell() < values.MAX_VALUE + 10


def test_a_typed_value_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "geheim", "geheim")
    assert values.read("key", raw=False) == b"geheim"


def test_two_different_entries_store_nothing_and_are_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed(monkeypatch, "geheim", "gehiem")
    with pytest.raises(EntriesDiffer) as refused:
        values.read("key", raw=False)
    assert "geh" not in str(refused.value) + refused.value.next_step


def test_an_empty_entry_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    with pytest.raises(values.ValueEmpty):
        values.read("key", raw=False)


def test_nothing_typed_is_not_blamed_on_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    with pytest.raises(values.ValueEmpty) as caught:
        values.read("key", raw=False)
    assert "pipe" not in str(caught.value) + caught.value.next_step


def test_a_name_with_blanks_is_quoted_in_what_to_run() -> None:
    assert values.command_for("my key") == "`leger secrets put 'my key'`"
