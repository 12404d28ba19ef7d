"""Which Go toolchain the conformance suite runs with."""

import pytest
from conformance.toolchain import MODULE, TOO_NEW, demanded, parsed


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("go1.26.8\n", (1, 26, 8)),
        ("1.25.5", (1, 25, 5)),
        ("go1.27", (1, 27)),
        ("go1.26rc2", (1, 26)),
        ("go1.26.8 X:nodwarf5", (1, 26, 8)),
        ("devel go1.27-abcdef", (1, 27)),
    ],
)
def test_versions_are_compared_by_their_numbers(said: str, version: tuple[int, ...]) -> None:
    assert parsed(said) == version


def test_ten_is_more_than_nine() -> None:
    assert parsed("go1.9.9") < parsed("go1.10") < parsed("go1.10.1")


def test_the_go_line_of_a_go_mod_is_what_it_demands() -> None:
    assert demanded("module x\n\ngo 1.25.5\n\nrequire y v1.0.0\n") == (1, 25, 5)
    with pytest.raises(ValueError, match="go line"):
        demanded("module x\n")


def test_some_toolchain_is_neither_too_old_nor_too_new() -> None:
    assert demanded((MODULE / "go.mod").read_text()) < TOO_NEW
