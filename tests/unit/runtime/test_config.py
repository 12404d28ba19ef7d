"""A service's configuration comes from the environment, once, and a mistake in it is named."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from leger_runtime import config
from leger_runtime.config import ConfigInvalid
from leger_runtime.errors import Kind


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Example:
    colour: Colour = Colour.RED
    account: str = "root"
    state_dir: Path = Path("/var")


def read(**environment: str) -> Example:
    return config.read(Example, environment, service="the example service")


def test_without_variables_the_defaults_hold() -> None:
    assert read(PATH="/bin") == Example()


def test_each_field_is_read_as_what_it_is() -> None:
    found = read(LEGER_COLOUR="blue", LEGER_ACCOUNT="alice", LEGER_STATE_DIR="/x")
    assert found == Example(colour=Colour.BLUE, account="alice", state_dir=Path("/x"))


def test_an_unknown_variable_names_the_nearest_and_who_does_not_know_it() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(LEGER_STATEDIR="/x")
    assert caught.value.kind is Kind.USAGE
    assert caught.value.why == "The example service reads no such variable."
    assert caught.value.next_step == "Perhaps LEGER_STATE_DIR is meant; else remove it."


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("LEGER_COLOUR", "Red", "red, blue"),
        ("LEGER_COLOUR", "", "red, blue"),
        ("LEGER_ACCOUNT", "", "not empty"),
        ("LEGER_ACCOUNT", "a\nb", "printable"),
        ("LEGER_STATE_DIR", "var", "absolute"),
        ("LEGER_STATE_DIR", "", "absolute"),
        ("LEGER_STATE_DIR", "/a:/b", "colon"),
        ("LEGER_STATE_DIR", "/a\n", "absolute"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_reason(
    variable: str, value: str, why: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(**{variable: value})
    assert variable in caught.value.what
    assert why in caught.value.why
    assert variable in caught.value.next_step


def test_a_directory_too_deep_for_a_socket_is_refused() -> None:
    config.check_sockets(Path("/" + "x" * 96), longest="grpc.sock")
    with pytest.raises(ConfigInvalid) as caught:
        config.check_sockets(Path("/" + "x" * 97), longest="grpc.sock")
    assert "108 bytes; 107" in caught.value.why
