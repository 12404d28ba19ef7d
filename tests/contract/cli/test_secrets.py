"""`leger secrets` against a secrets service on a socket."""

import json

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Secrets, failure
from leger_runtime.errors import Kind


@pytest.fixture
def stored(secrets: Secrets) -> Secrets:
    """A service that has two versions of api_key, the first active."""
    secrets.values["api_key"] = [b"one", b"two"]
    secrets.active["api_key"] = 1
    return secrets


def test_a_piped_value_is_stored_and_active(leger: Leger, secrets: Secrets) -> None:
    done = leger.run("secrets", "put", "api_key", stdin=b"hunter2\n")
    assert (done.code, done.out, done.err) == (0, "api_key: version 1 stored and active\n", "")
    assert secrets.values == {"api_key": [b"hunter2"]}


def test_a_raw_value_keeps_its_line_end(leger: Leger, secrets: Secrets) -> None:
    leger.run("secrets", "put", "api_key", "--raw", stdin=b"hunter2\n")
    assert secrets.values == {"api_key": [b"hunter2\n"]}


def test_a_typed_value_is_asked_for_twice_and_never_shown(leger: Leger, secrets: Secrets) -> None:
    done = leger.at_terminal("secrets", "put", "api_key", answers=["hunter2", "hunter2"])
    assert done.code == 0
    assert "hunter2" not in done.out
    assert secrets.values == {"api_key": [b"hunter2"]}


def test_a_value_that_only_waits_says_so(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "put", "api_key", "--no-activate", stdin=b"three")
    assert done.out == "api_key: version 3 stored; version 1 is active\n"
    assert done.err == "→ leger secrets activate api_key 3\n"


def test_a_value_that_units_use_says_how_they_get_it(leger: Leger, secrets: Secrets) -> None:
    secrets.units = ["web.service"]
    done = leger.run("secrets", "put", "api_key", stdin=b"x")
    assert done.err == "→ leger services restart web\n"


def test_no_value_reaches_the_service_from_the_command_line(leger: Leger, secrets: Secrets) -> None:
    done = leger.run("secrets", "put", "api_key", "hunter2")
    assert (done.code, done.out) == (2, "")
    assert "hunter2" not in done.err
    assert secrets.values == {}


def test_a_value_is_written_byte_for_byte_to_a_pipe(leger: Leger, secrets: Secrets) -> None:
    secrets.values["key"], secrets.active["key"] = [b"line\nend\n"], 1
    assert leger.run("secrets", "get", "key").out == "line\nend\n"


def test_a_terminal_gets_a_line_end_after_the_value(leger: Leger, stored: Secrets) -> None:
    assert leger.at_terminal("secrets", "get", "api_key").out == "one\r\n"


def test_an_earlier_version_can_be_read(leger: Leger, stored: Secrets) -> None:
    assert leger.run("secrets", "get", "api_key", "--version", "2").out == "two"


def test_a_value_that_is_no_text_is_base64_in_json(leger: Leger, secrets: Secrets) -> None:
    secrets.values["key"], secrets.active["key"] = [b"\xff\x00"], 1
    done = leger.run("secrets", "get", "key", "--json")
    assert json.loads(done.out) == {"name": "key", "version": 1, "value_base64": "/wA="}


def test_a_secret_that_is_not_there_is_not_found(leger: Leger, secrets: Secrets) -> None:
    done = leger.run("secrets", "get", "api_key")
    assert (done.code, done.out) == (5, "")
    assert done.err == ("error: There is no secret api_key.\n  This is why.\n  → Do this next.\n")


def test_secrets_are_listed_without_values(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "list")
    assert done.out.splitlines()[1].split() == [
        *("api_key", "1", "2", "2023-11-14", "22:13:20", "-"),
    ]


def test_an_empty_store_says_how_to_begin(leger: Leger, secrets: Secrets) -> None:
    done = leger.run("secrets", "list")
    assert (done.code, done.out) == (0, "")
    assert "leger secrets put NAME" in done.err


def test_the_details_of_a_secret_are_its_versions(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "info", "api_key")
    assert [line.split()[0] for line in done.out.splitlines()[4:]] == ["2", "1"]


def test_another_version_can_be_made_active(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "activate", "api_key", "2")
    assert done.out == "api_key: version 2 active, version 1 was\n"


def test_a_deletion_asks_first(leger: Leger, stored: Secrets) -> None:
    done = leger.at_terminal("secrets", "delete", "api_key", answers=["y"])
    assert done.code == 0
    assert "Delete api_key with its 2 versions?" in done.out
    assert stored.values == {}


def test_any_other_answer_than_yes_deletes_nothing(leger: Leger, stored: Secrets) -> None:
    done = leger.at_terminal("secrets", "delete", "api_key", answers=["no"])
    assert done.code == 1
    assert "Nothing was changed." in done.out
    assert stored.values


def test_a_deletion_without_anybody_to_ask_is_refused(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "delete", "api_key")
    assert done.code == 2
    assert "--yes" in done.err
    assert stored.values


def test_a_forced_deletion_says_so_to_the_service(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "delete", "api_key", "--force", "--yes")
    assert (done.code, stored.forced) == (0, [True])
    assert done.out == "api_key: all versions deleted\n"


def test_one_version_can_be_deleted(leger: Leger, stored: Secrets) -> None:
    done = leger.run("secrets", "delete", "api_key", "--version", "2", "--yes")
    assert (done.code, stored.values) == (0, {"api_key": [b"one"]})


@pytest.mark.parametrize("kind", list(Kind))
def test_the_exit_code_is_the_kind_of_the_services_error(
    leger: Leger, secrets: Secrets, kind: Kind
) -> None:
    secrets.fails = failure(kind, "SOME_REASON")
    done = leger.run("secrets", "put", "key", "--json", stdin=b"hunter2")
    # A usage error is the command line's own; from a service it is one of input.
    assert done.code == (Kind.INVALID.value if kind is Kind.USAGE else kind.value)
    assert json.loads(done.err)["error"]["reason"] == "SOME_REASON"
    assert "hunter2" not in done.err + done.out
