"""`leger secrets` against a secrets service on a socket."""

import json
import re
import subprocess

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Refusing, failure
from contract.cli.store import Store
from leger_cli.version import __version__
from leger_runtime.errors import Kind


@pytest.fixture
def stored(secrets: Store) -> Store:
    """A service that has two versions of api_key, the first active."""
    secrets.put("api_key", b"one", b"two", active=1)
    return secrets


def test_a_piped_value_is_stored_and_active(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "put", "api_key", stdin=b"hunter2\n")
    assert (done.code, done.out, done.err) == (0, "api_key: version 1 stored and active\n", "")
    assert secrets.values() == {"api_key": [b"hunter2"]}


def test_a_raw_value_keeps_its_line_end(leger: Leger, secrets: Store) -> None:
    leger.run("secrets", "put", "api_key", "--raw", stdin=b"hunter2\n")
    assert secrets.values() == {"api_key": [b"hunter2\n"]}


def test_a_typed_value_is_asked_for_twice_and_never_shown(leger: Leger, secrets: Store) -> None:
    done = leger.at_terminal("secrets", "put", "api_key", answers=["hunter2", "hunter2"])
    assert done.code == 0
    assert "hunter2" not in done.out
    assert secrets.values() == {"api_key": [b"hunter2"]}


def test_a_value_that_only_waits_says_so(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "put", "api_key", "--no-activate", stdin=b"three")
    assert done.out == "api_key: version 3 stored; version 1 is active\n"
    assert done.err == "→ leger secrets activate api_key 3\n"


def test_a_value_that_units_use_says_how_they_get_it(leger: Leger, secrets: Store) -> None:
    secrets.put("api_key", b"old")
    secrets.bind("api_key", "web.service", "worker@.service")
    done = leger.run("secrets", "put", "api_key", stdin=b"x")
    assert done.err == "→ leger services restart web\n"


def test_no_value_reaches_the_service_from_the_command_line(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "put", "api_key", "hunter2")
    assert (done.code, done.out) == (2, "")
    assert "hunter2" not in done.err
    assert secrets.values() == {}


@pytest.mark.parametrize("name", ["a=b", "-x"])
def test_a_name_that_looks_like_something_else_is_taken_behind_two_dashes(
    leger: Leger, secrets: Store, name: str
) -> None:
    assert leger.run("secrets", "put", "--", name, stdin=b"x").code == 0
    assert secrets.values() == {name: [b"x"]}


def test_a_value_is_written_byte_for_byte_to_a_pipe(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"line\nend\n")
    assert leger.run("secrets", "get", "key").out == "line\nend\n"


def test_a_terminal_gets_a_line_end_after_the_value(leger: Leger, stored: Store) -> None:
    assert leger.at_terminal("secrets", "get", "api_key").out == "one\r\n"


def test_an_earlier_version_can_be_read(leger: Leger, stored: Store) -> None:
    assert leger.run("secrets", "get", "api_key", "--version", "2").out == "two"


def test_a_value_that_is_no_text_is_base64_in_json(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"\xff\x00")
    done = leger.run("secrets", "get", "key", "--json")
    assert json.loads(done.out) == {"name": "key", "version": 1, "value_base64": "/wA="}


def test_a_secret_that_is_not_there_is_not_found(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "get", "api_key")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("error: The secret api_key is not stored.\n")
    assert done.err.endswith("Those there are: `leger secrets list`.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("secrets", "get", "apikey"),
        ("secrets", "info", "api-key"),
        ("secrets", "export", "apikey"),
        ("run", "--secret", "apikey=KEY", "--", "true"),
    ],
)
def test_a_name_that_is_nearly_one_is_answered_with_that(
    leger: Leger, stored: Store, arguments: tuple[str, ...]
) -> None:
    done = leger.run(*arguments)
    assert done.code == 5
    assert done.err.splitlines()[0].endswith(" is not stored. Did you mean api_key?")


def test_a_value_is_not_taken_to_be_delivered_to_a_closed_output(
    leger: Leger, stored: Store
) -> None:
    for command in ("secrets get api_key", "secrets get api_key --json", "secrets export api_key"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {command} >&-', "sh", *leger.command([])],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=leger.environment,
            check=False,
        )
        assert done.returncode == 8
        assert "Standard output is closed." in done.stderr
    assert '"action":"get"' not in stored.audit_log.replace(" ", "")


def test_fields_of_errors_are_the_options_that_were_typed(leger: Leger, stored: Store) -> None:
    wrong = leger.run("secrets", "update", "api_key", "--description", "a\x01", "--label", "a b=c")
    assert wrong.code == 7
    assert "  - --description: " in wrong.err
    assert "  - --label: " in wrong.err
    done = leger.run("secrets", "generate", "x", "--key", "x25519", "--openssh", "--json")
    assert [v["field"] for v in json.loads(done.err)["error"]["fields"]] == ["--openssh"]
    done = leger.run("auth", "token", "create", "ci", "--allow", "bogus=x")
    assert "  - --allow: " in done.err
    done = leger.run("secrets", "get", "a\x01b")
    assert "  - NAME: " in done.err


def test_a_pattern_chooses_what_is_listed(leger: Leger, stored: Store) -> None:
    stored.put("prod/db", b"x")
    stored.put("prod/web/key", b"x")
    listed = leger.run("secrets", "list", "prod/*")
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == ["prod/db", "prod/web/key"]
    listed = leger.run("secrets", "list", "*key", "--json")
    assert [each["name"] for each in json.loads(listed.out)["secrets"]] == [
        "api_key",
        "prod/web/key",
    ]
    none = leger.run("secrets", "list", "prod")
    assert (none.code, none.out) == (0, "")
    assert none.err == "No secret matches.\n→ leger secrets list\n"


def test_secrets_are_listed_without_values(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "list")
    head, row = done.out.splitlines()
    assert head.split() == ["NAME", "ACTIVE", "VERSIONS", "CHANGED", "DUE", "USED", "BY"]
    assert row.split()[:3] + row.split()[-3:] == ["api_key", "1", "2", "ago", "-", "-"]
    assert "one" not in done.out


def test_an_empty_store_says_how_to_begin(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "list")
    assert (done.code, done.out) == (0, "")
    assert "leger secrets put NAME" in done.err


def test_the_details_of_a_secret_are_its_versions(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "info", "api_key")
    rows = [line.split() for line in done.out.splitlines()]
    assert [(row[0], row[-1]) for row in rows[-2:]] == [("2", "previous"), ("1", "active")]
    assert ["used", "by", "no", "unit"] in rows


def test_another_version_can_be_made_active(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "activate", "api_key", "2")
    assert done.out == "api_key: version 2 active, version 1 was\n"


def test_a_deletion_asks_first(leger: Leger, stored: Store) -> None:
    done = leger.at_terminal("secrets", "delete", "api_key", answers=["y"])
    assert done.code == 0
    assert "Delete api_key with its 2 versions?" in done.out
    assert stored.values() == {}


def test_any_other_answer_than_yes_deletes_nothing(leger: Leger, stored: Store) -> None:
    done = leger.at_terminal("secrets", "delete", "api_key", answers=["no"])
    assert done.code == 1
    assert "Nothing was changed." in done.out
    assert stored.values()


def test_a_deletion_without_anybody_to_ask_is_refused(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "delete", "api_key")
    assert done.code == 2
    assert "--yes" in done.err
    assert stored.values()


def test_a_secret_that_a_unit_gets_is_deleted_by_force_alone(leger: Leger, stored: Store) -> None:
    stored.bind("api_key", "web.service")
    refused = leger.run("secrets", "delete", "api_key", "--yes")
    assert (refused.code, list(stored.values())) == (6, ["api_key"])
    done = leger.run("secrets", "delete", "api_key", "--force", "--yes")
    assert (done.code, stored.values()) == (0, {})
    assert done.out == "api_key: all versions deleted\n"


def test_one_version_can_be_deleted(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "delete", "api_key", "--version", "2", "--yes")
    assert (done.code, stored.values()) == (0, {"api_key": [b"one"]})


@pytest.mark.parametrize("kind", list(Kind))
def test_the_exit_code_is_the_kind_of_the_services_error(
    leger: Leger, refusing: Refusing, kind: Kind
) -> None:
    refusing.error = failure(kind, "SOME_REASON")
    done = leger.run("secrets", "put", "key", "--json", stdin=b"hunter2")
    # A usage error is the command line's own; from a service it is one of input.
    assert done.code == (Kind.INVALID.value if kind is Kind.USAGE else kind.value)
    assert json.loads(done.err)["error"]["reason"] == "SOME_REASON"
    assert "hunter2" not in done.err + done.out


def test_the_audit_log_tells_which_command_it_was_and_nothing_of_its_arguments(
    leger: Leger, secrets: Store
) -> None:
    leger.run("secrets", "put", "api_key", stdin=b"hunter2")
    entry = json.loads(secrets.audit_log.splitlines()[0])
    assert re.fullmatch(rf"leger/{__version__} \(secrets put; pid \d+\)", entry["process"])
