import copy
import json
import pickle
import traceback
from dataclasses import dataclass

import pytest
from leger_secrets.domain.value import SecretValue

CANARY = "correct-horse-battery-staple"
VALUE = SecretValue(CANARY.encode())


@dataclass
class Holder:
    value: SecretValue


def test_the_bytes_come_out_by_reveal_alone() -> None:
    assert VALUE.reveal() == CANARY.encode()


@pytest.mark.parametrize(
    "text",
    [repr(VALUE), str(VALUE), f"{VALUE}", f"{VALUE:>40}", f"{VALUE!r}", repr([Holder(VALUE)])],
)
def test_no_way_of_printing_shows_the_value(text: str) -> None:
    assert CANARY not in text
    assert "hidden" in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_value_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(VALUE, protocol)


def test_a_value_cannot_be_copied_or_written_as_json() -> None:
    with pytest.raises(TypeError):
        copy.deepcopy(VALUE)
    with pytest.raises(TypeError):
        json.dumps(VALUE)


def test_a_value_has_no_attributes_to_list_and_no_hash() -> None:
    assert not hasattr(VALUE, "__dict__")
    with pytest.raises(TypeError):
        hash(VALUE)


def test_an_error_about_a_value_does_not_show_it() -> None:
    with pytest.raises(TypeError) as caught:
        VALUE + b"more"  # type: ignore[operator]
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_values_are_equal_when_their_bytes_are() -> None:
    assert SecretValue(b"a") == SecretValue(b"a")
    assert SecretValue(b"a") != SecretValue(b"b")
    assert SecretValue(b"a") != SecretValue(b"ab")
    assert SecretValue(b"a") != b"a"


def test_the_length_of_a_value_is_no_secret() -> None:
    assert len(SecretValue(b"abc")) == 3
