"""`leger auth token`, `leger secrets can` and `leger secrets policy` against the real service."""

import json
import re
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store

TOKEN = re.compile(r"leger_[A-Za-z0-9_-]{43}")
POLICY = """\
[[grants]]
principals = ["token:ci"]
actions = ["get", "info"]
secrets = ["prod/*"]
"""


def create(leger: Leger, *arguments: str) -> str:
    done = leger.run("auth", "token", "create", *arguments)
    assert done.code == 0, done.err
    return done.out.removesuffix("\n")


def test_the_token_alone_is_written_so_that_it_can_be_piped(leger: Leger, secrets: Store) -> None:
    done = leger.run("auth", "token", "create", "ci", "--allow", "get,info=prod/*")
    assert done.code == 0
    assert TOKEN.fullmatch(done.out.removesuffix("\n"))
    assert done.err.splitlines() == [
        "It is not shown again. Whoever shows it is token:ci, until it is revoked.",
        "It is granted get, info on prod/*.",
    ]
    assert not TOKEN.search(done.err + secrets.audit_log)


def test_a_token_without_grants_says_what_it_may_do_then(leger: Leger, secrets: Store) -> None:
    done = leger.run("auth", "token", "create", "ci")
    assert "It may do what the policy file grants to token:ci." in done.err
    assert "→ leger secrets policy" in done.err


def test_several_grants_and_an_expiry_can_be_given(leger: Leger, secrets: Store) -> None:
    create(leger, "ci", "--allow", "*=ci/*", "--allow", "get, info=a=b", "--expires", "90d")
    listed = json.loads(leger.run("auth", "token", "list", "--json").out)
    (token,) = listed["tokens"]
    assert token["grants"] == [
        {"actions": ["*"], "secrets": ["ci/*"]},
        {"actions": ["get", "info"], "secrets": ["a=b"]},
    ]
    assert token["expire_time"] > token["create_time"]
    assert token["created_by"] == "operator:tester"


def test_the_list_shows_what_each_may_do_and_no_token(leger: Leger, secrets: Store) -> None:
    made = create(leger, "ci", "--allow", "get=prod/*", "--expires", "2099-01-01")
    create(leger, "web")
    done = leger.run("auth", "token", "list")
    assert done.code == 0
    ci, web = done.out.splitlines()[1:]
    assert re.match(r"ci +get on prod/\* +2099-01-01 00:00:00 +- +20", ci)
    assert re.match(r"web +what the policy file says +never +- +20", web)
    assert made not in done.out


def test_a_token_can_be_written_for_its_owner_alone(
    leger: Leger, secrets: Store, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    done = leger.run("auth", "token", "create", "ci", "--out", str(path))
    assert (done.code, done.out) == (0, f"{path}: the token of ci\n")
    assert TOKEN.fullmatch(path.read_text().removesuffix("\n"))
    assert path.stat().st_mode & 0o777 == 0o600
    again = leger.run("auth", "token", "create", "web", "--out", str(path), "--json")
    assert json.loads(again.err)["error"]["reason"] == "FILE_EXISTS"
    made = leger.run("auth", "token", "create", "web", "--out", f"{path}2", "--json")
    assert (json.loads(made.out)["token"], json.loads(made.out)["file"]) == (None, f"{path}2")


def test_a_token_that_cannot_be_written_does_not_stay(
    leger: Leger, secrets: Store, tmp_path: Path
) -> None:
    too_long = tmp_path / ("x" * 250)  # no room for the name of the file that is written first
    done = leger.run("auth", "token", "create", "ci", "--out", str(too_long))
    assert done.code == 8
    assert json.loads(leger.run("auth", "token", "list", "--json").out) == {"tokens": []}


def test_an_empty_list_says_how_to_begin(leger: Leger, secrets: Store) -> None:
    done = leger.run("auth", "token", "list")
    assert (done.code, done.out) == (0, "")
    assert "→ leger auth token create --help" in done.err


def test_a_revoked_token_is_gone(leger: Leger, secrets: Store) -> None:
    create(leger, "ci")
    done = leger.run("auth", "token", "revoke", "ci")
    assert (done.code, done.out) == (0, "ci: revoked\n")
    again = leger.run("auth", "token", "revoke", "ci")
    assert again.code == 5
    assert "There is no token ci." in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["CI"], 7, '"CI" cannot be the name of a token.'),
        (["ci", "--allow", "get"], 2, "--allow was given 'get', which names no secrets."),
        (["ci", "--allow", "gett=x"], 7, "perhaps get is meant"),
        (["ci", "--allow", "get=prod/"], 7, '"prod/" cannot be the name of a secret.'),
        (["ci", "--allow", "get="], 7, "It is empty."),
        (["ci", "--expires", "2001-01-01"], 7, "is not in the future"),
        (["ci", "--expires", "soon"], 2, "--expires was given something"),
        (["taken"], 6, "There is a token taken already."),
    ],
)
def test_what_cannot_be_made_is_told_why(
    leger: Leger, secrets: Store, arguments: list[str], code: int, said: str
) -> None:
    create(leger, "taken")
    done = leger.run("auth", "token", "create", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "→ " in done.err


def test_can_answers_yes_with_the_rule_and_exits_with_0(leger: Leger, secrets: Store) -> None:
    create(leger, "ci")
    secrets.policy_file.write_text(POLICY)
    done = leger.run("secrets", "can", "token:ci", "get", "prod/db")
    assert done.code == 0
    assert done.out == (
        f"yes: token:ci may get prod/db: rule 1 of {secrets.policy_file} allows it.\n"
        "  token:ci: get, info on prod/*\n"
    )


def test_can_answers_no_and_exits_with_4(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "can", "token:ci", "put", "prod/db")
    assert (done.code, done.err) == (4, "")
    assert done.out == (
        "no: token:ci may not put prod/db: no rule is for it. But there is no token ci.\n"
    )
    as_json = leger.run("secrets", "can", "token:ci", "put", "prod/db", "--json")
    assert as_json.code == 4
    assert json.loads(as_json.out)["rule"] is None


def test_can_of_a_unit_tells_its_stack(leger: Leger, secrets: Store) -> None:
    secrets.bind("db", "web.service")
    done = leger.run("secrets", "can", "unit:web.service", "get", "db")
    assert done.code == 0
    assert "the stack notes gives it as the credential db." in done.out


def test_can_of_nothing_is_told_apart_from_no(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "can", "ci", "get", "prod/db")
    assert (done.code, done.out) == (7, "")
    assert '"ci" is no principal.' in done.err


def test_the_policy_is_listed_in_the_order_in_which_it_is_tried(
    leger: Leger, secrets: Store
) -> None:
    create(leger, "web", "--allow", "*=web/*")
    secrets.policy_file.write_text(POLICY)
    done = leger.run("secrets", "policy")
    assert (done.code, done.err) == (0, "")
    lines = [re.split(r"  +", line) for line in done.out.splitlines()]
    assert lines == [
        ["PRINCIPALS", "MAY", "ON", "BY RULE"],
        ["operator:*", "everything", "*", "1 of built in"],
        ["svc:deployer", "info, activate", "*", "2 of built in"],
        ["token:ci", "get, info", "prod/*", f"1 of {secrets.policy_file}"],
        ["token:web", "everything", "web/*", "1 of the token"],
    ]


def test_a_broken_policy_is_listed_as_it_was_and_told_with_7(leger: Leger, secrets: Store) -> None:
    secrets.policy_file.write_text(POLICY)
    assert leger.run("secrets", "policy").code == 0
    secrets.policy_file.write_text(POLICY.replace("actions", "action"))
    done = leger.run("secrets", "policy")
    assert done.code == 7
    assert "token:ci" in done.out
    assert "Line 3: `action` is not known; perhaps `actions` is meant." in done.err
    as_json = leger.run("secrets", "policy", "--json")
    assert as_json.code == 7
    assert json.loads(as_json.out)["problem"].startswith("Line 3:")


def test_without_a_policy_file_that_is_remarked(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "policy")
    assert done.code == 0
    assert done.err == f"There is no {secrets.policy_file} that grants more.\n"
