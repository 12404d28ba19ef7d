"""Files in systemd's syntax are read as systemd.syntax(7) says."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_deployer.domain import quadlet_file
from leger_deployer.domain.quadlet_file import SyntaxInvalid, quote_word, split_words

KEYS = st.from_regex(r"[A-Z][A-Za-z]{0,12}", fullmatch=True)
# A value's own edges are not blank, and it does not end in the sign of continuation.
VALUES = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1
).filter(lambda value: value == value.strip() and not value.endswith("\\"))


def test_repeated_keys_accumulate_in_their_order() -> None:
    file = quadlet_file.parse("[Unit]\nAfter=a.service\nAfter=b.service c.service\n")
    assert file.all("Unit", "After") == ["a.service", "b.service c.service"]
    assert file.words("Unit", "After") == ["a.service", "b.service", "c.service"]


def test_an_empty_assignment_begins_the_list_anew() -> None:
    file = quadlet_file.parse("[Container]\nSecret=a\nSecret=\nSecret=b\n")
    assert file.all("Container", "Secret") == ["b"]
    assert quadlet_file.parse("[Container]\nImage=x\nImage=\n").last("Container", "Image") == ""


def test_blanks_around_the_equals_sign_do_not_count() -> None:
    assert quadlet_file.parse("[A]\n  Key =  a value  \n").last("A", "Key") == "a value"


def test_sections_of_one_name_are_one() -> None:
    file = quadlet_file.parse("[A]\nK=1\n[B]\nK=2\n[A]\nK=3\n")
    assert file.all("A", "K") == ["1", "3"]


def test_a_line_goes_on_behind_a_backslash_and_comments_in_between_do_not_count() -> None:
    text = (
        "[Service]\nExecStartPre=/bin/sh \\\n# why\n  -c \\\n; and so on\n  'true'\nType=oneshot\n"
    )
    file = quadlet_file.parse(text)
    assert file.words("Service", "ExecStartPre") == ["/bin/sh", "-c", "true"]
    assert file.last("Service", "Type") == "oneshot"


def test_an_escaped_backslash_at_the_end_of_a_line_does_not_go_on() -> None:
    file = quadlet_file.parse("[A]\nK=a\\\\\nL=b\n")
    assert file.last("A", "K") == "a\\\\"
    assert file.last("A", "L") == "b"


def test_comments_and_empty_lines_say_nothing() -> None:
    file = quadlet_file.parse("# one\n\n[A]\n; two\n   # three\nK=v # not a comment\n")
    assert file.sections == {"A": [("K", "v # not a comment")]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[A\nK=v\n", "line 1"),
        ("K=v\n", "before the first section"),
        ("[A]\n\nno assignment\n", "line 3"),
        ("[A]\n=v\n", "line 2"),
    ],
)
def test_a_line_that_is_none_is_named(text: str, reason: str) -> None:
    with pytest.raises(SyntaxInvalid, match=reason):
        quadlet_file.parse(text)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=8))
def test_every_assignment_is_found_again(assignments: list[tuple[str, str]]) -> None:
    text = "[S]\n" + "".join(f"{key} = {value}\n" for key, value in assignments)
    assert quadlet_file.parse(text).sections == {"S": assignments}


@given(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=4))
def test_a_value_over_several_lines_has_the_words_of_all(lines: list[list[str]]) -> None:
    quoted = [" ".join(quote_word(word) for word in line) for line in lines]
    text = "[S]\nK=start \\\n" + "".join(f"  {line} \\\n# a comment\n" for line in quoted) + "end\n"
    expected = ["start", *(word for line in lines for word in line), "end"]
    assert quadlet_file.parse(text).words("S", "K") == expected


@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))))
def test_quoted_words_are_split_into_the_same_words(words: list[str]) -> None:
    assert split_words(" ".join(quote_word(word) for word in words)) == words


@given(st.text())
def test_no_value_is_beyond_splitting(value: str) -> None:
    split_words(value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SyntaxInvalid):
        quadlet_file.parse(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("curl -f http://x/", ["curl", "-f", "http://x/"]),
        ('sh -c "curl -f http://x/"', ["sh", "-c", "curl -f http://x/"]),
        ("sh -c 'a \"b\" c'", ["sh", "-c", 'a "b" c']),
        (r"a\x20b \"c\" \u00e4 \101", ["a b", '"c"', "ä", "A"]),
        ('""', [""]),
        ("%h/.config:/x:ro,Z %U %%", ["%h/.config:/x:ro,Z", "%U", "%%"]),
        ("open 'quote", ["open", "quote"]),
        ("a\\", ["a\\"]),
        ("\\q", ["\\q"]),
    ],
)
def test_words_are_split_as_systemd_does(value: str, words: list[str]) -> None:
    assert split_words(value) == words
