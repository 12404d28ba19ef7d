"""`Secret=` is read as podman reads it, and credentials get names that systemd can take."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_deployer.domain.secret_options import (
    SecretOptions,
    SecretOptionsInvalid,
    SecretType,
    credential_name,
    parse,
)


def test_a_bare_name_is_mounted_readable_for_all_under_its_name() -> None:
    assert parse("token") == SecretOptions(
        secret="token", type=SecretType.MOUNT, target="/run/secrets/token", mode=0o444
    )


def test_a_variable_is_named_as_the_secret_unless_it_has_a_target() -> None:
    assert parse("token,type=env").target == "token"
    assert parse("token,type=env,target=TOKEN").target == "TOKEN"


def test_all_options_of_a_file() -> None:
    assert parse("source=a,target=/etc/a,mode=0400,uid=5,GID=6") == SecretOptions(
        secret="a", type=SecretType.MOUNT, target="/etc/a", mode=0o400, uid=5, gid=6
    )


def test_a_relative_target_lies_with_the_other_secrets() -> None:
    assert parse("a,target=b/c").target == "/run/secrets/b/c"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("a,type=file", "neither mount nor env"),
        ("a,type=env,type=env", "given twice"),
        ("a,colour=blue", "colour= is not known"),
        ("a,ro", "not of the form"),
        ("a,mode=0888", "mode=0888"),
        ("a,mode=99999", "mode="),
        ("a,uid=-1", "uid=-1"),
        ("a,uid=4294967296", "uid="),
        ("a,gid=staff", "gid=staff"),
        ("a,type=env,mode=0400", "no meaning with type=env"),
        (",type=env", "names no secret"),
        ("type=env,target=A", "names no secret"),
        ("", "names no secret"),
    ],
)
def test_what_podman_refuses_is_refused_with_the_reason(word: str, reason: str) -> None:
    with pytest.raises(SecretOptionsInvalid, match=reason):
        parse(word)


@given(st.text())
def test_any_word_is_read_or_refused(word: str) -> None:
    with contextlib.suppress(SecretOptionsInvalid):
        parse(word)


@pytest.mark.parametrize("name", ["a", "OPENAI_API_KEY", "a.b-c_d", "x" * 200])
def test_a_name_that_systemd_can_take_stays(name: str) -> None:
    assert credential_name(name) == name


@pytest.mark.parametrize("name", ["a/b", "a b", "ä", ".", "..", "x" * 201])
def test_any_other_name_gets_a_likeness_with_a_digest(name: str) -> None:
    assert re.fullmatch(r".+-[0-9a-f]{8}", credential_name(name))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_secrets_never_share_a_credential(one: str, other: str) -> None:
    if one != other:
        assert credential_name(one) != credential_name(other)


@given(st.text(min_size=1, max_size=300))
def test_every_credential_has_a_name_that_is_a_file_name(name: str) -> None:
    credential = credential_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,209}", credential)
    assert credential not in (".", "..")
