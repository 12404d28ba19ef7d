"""The policy file: what it may say, and what happens when it changes."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from leger_secrets.adapters import policy_toml
from leger_secrets.adapters.policy_file import TomlPolicyFile
from leger_secrets.adapters.policy_toml import PolicyMistake
from leger_secrets.domain.grants import ALL, Permission
from noting import note
from unit.secrets.fakes import Clock

GOOD = """\
# Who may do what.
[[grants]]
principals = ["token:ci", "token:web-*"]
actions = ["get", "info"]
secrets = ["prod/*"]

[[grants]]
principals = ["*"]
actions = ["*"]
secrets = ["shared", "public/*"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


@pytest.fixture
def file(path: Path, clock: Clock) -> TomlPolicyFile:
    return TomlPolicyFile(path=path, clock=clock)


def test_no_file_means_no_rules_and_is_no_problem(file: TomlPolicyFile, path: Path) -> None:
    assert list(file.rules()) == []
    assert (file.path, file.load_time, file.problem) == (str(path), None, "")


def test_a_file_says_principals_actions_and_secrets(file: TomlPolicyFile, path: Path) -> None:
    path.write_text(GOOD)
    first, second = file.rules()
    assert first.source == str(path)
    assert (first.number, second.number) == (1, 2)
    assert first.principals == ("token:ci", "token:web-*")
    assert first.grant.actions == {Permission.GET, Permission.INFO}
    assert first.grant.secrets == ("prod/*",)
    assert second.grant.actions == ALL
    assert file.load_time is not None


def test_a_change_is_in_force_at_once(file: TomlPolicyFile, path: Path) -> None:
    path.write_text(GOOD)
    assert len(file.rules()) == 2
    loaded = file.load_time
    path.write_text(GOOD + GOOD)
    assert len(file.rules()) == 4
    assert file.load_time != loaded
    path.unlink()
    assert list(file.rules()) == []
    assert file.load_time is None


def test_a_file_of_the_same_size_that_takes_its_place_is_in_force(
    file: TomlPolicyFile, path: Path
) -> None:
    path.write_text(GOOD)
    assert file.rules()[0].principals[0] == "token:ci"
    other = path.with_name("other")
    other.write_text(GOOD.replace("token:ci", "token:cd"))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)
    assert file.rules()[0].principals[0] == "token:cd"


def test_a_file_that_was_just_read_and_is_written_over_at_the_same_size_is_in_force(
    file: TomlPolicyFile, path: Path
) -> None:
    for _ in range(50):  # within one step of the file system's clock both have one identity
        for principal in ("token:ci", "token:cd"):
            path.write_text(GOOD.replace("token:ci", principal))
            assert file.rules()[0].principals[0] == principal


def test_a_file_is_looked_into_until_its_time_tells_one_content_from_the_next(
    file: TomlPolicyFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(GOOD)
    rules = file.rules()
    reads: list[str] = []
    note(monkeypatch, file, "_read", reads)
    changed = path.stat().st_ctime_ns
    for age, read in ((0.0, 1), (2.0, 2), (2.1, 3), (9.0, 3)):
        now = changed + int(age * 1e9)
        monkeypatch.setattr("time.time_ns", lambda now=now: now)
        assert file.rules() is rules
        assert len(reads) == read, age


def test_a_file_that_stays_is_read_once(file: TomlPolicyFile, path: Path) -> None:
    path.write_text(GOOD)
    rules = file.rules()
    assert file.rules() is rules


def test_a_mistake_leaves_the_last_good_rules_and_is_said_once(
    file: TomlPolicyFile, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(GOOD)
    rules, loaded = file.rules(), file.load_time
    path.write_text(GOOD.replace("actions", "action", 1))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert file.rules() == rules
    problem = "Line 4: `action` is not known; perhaps `actions` is meant."
    assert (file.problem, file.load_time) == (problem, loaded)
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} is not in force: {problem}"
    ]
    path.write_text(GOOD)
    assert (file.problem, file.rules()) == ("", rules)


def test_a_mistake_at_the_start_means_no_rules(file: TomlPolicyFile, path: Path) -> None:
    path.write_text("[[grants]]")
    assert list(file.rules()) == []
    assert file.problem.startswith("Line 1: `principals` is needed")
    assert file.load_time is None


def _directory(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _everybodys(path: Path) -> None:
    path.write_text(GOOD)
    path.chmod(0o666)


def _huge(path: Path) -> None:
    path.write_text("#" * (1024 * 1024 + 1))


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_directory, "It cannot be read: Is a directory."),
        (_pipe, "It is no ordinary file."),
        (_everybodys, "Everybody on the host can write to it."),
        (_huge, "It is larger than 1048576 bytes."),
        (_loop, "It cannot be read: Too many levels of symbolic links."),
    ],
)
def test_what_is_no_proper_file_is_a_problem(
    file: TomlPolicyFile, path: Path, make: Callable[[Path], None], problem: str
) -> None:
    make(path)
    assert list(file.rules()) == []
    assert file.problem == problem


RULE = '[[grants]]\nprincipals = ["token:ci"]\nactions = ["get"]\nsecrets = ["x"]\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = \n", "It is no TOML: Invalid value (at line 1, column 5)."),
        ("\n\n[[grant]]\n", "Line 3: `grant` is not known; perhaps `grants` is meant."),
        ("grants = 1", "Each rule stands below a heading of its own, [[grants]]."),
        ("[grants]", "Each rule stands below a heading of its own, [[grants]]."),
        (RULE + "\n" + RULE + "why = 1", "Line 10: `why` is not known; perhaps `"),
        (RULE.replace("secrets", "#"), "Line 1: `secrets` is needed, a list of texts"),
        (RULE.replace('["get"]', '"get"'), "Line 3: `actions` is needed, a list of texts"),
        (RULE.replace('["get"]', "[1]"), "Line 3: `actions` is needed, a list of texts"),
        (RULE.replace('["x"]', "[]"), "Line 4: `secrets` is needed, a list of texts"),
        (RULE.replace('"get"', '"read"'), 'Line 3: "read" is no action.'),
        (RULE.replace('"x"', '"x/"'), 'Line 4: "x/" cannot be the name of a secret.'),
        (RULE.replace("token:ci", "ci"), 'Line 2: "ci" is no principal; one is written like'),
        (RULE.replace("token:ci", "tokn:ci"), 'Line 2: "tokn:ci" is no principal'),
        (RULE.replace("token:ci", "unit:web.service"), 'Line 2: "unit:web.service" cannot be'),
        ('grants = [{principals = ["x"]}]', "Rule 1: `actions` is needed"),
        ("x = " + "[" * 100_000, "It is no TOML: "),
    ],
)
def test_a_mistake_is_told_by_its_line(text: str, problem: str) -> None:
    with pytest.raises(PolicyMistake) as mistake:
        policy_toml.parse(text.encode(), source="a file")
    assert str(mistake.value).startswith(problem)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@example(b"\xff")
@example(b"grants = [[]]")
@example(b"[[grants]]\nprincipals = 1979-05-27")
def test_no_content_is_worse_than_a_mistake(content: bytes) -> None:
    with suppress(PolicyMistake):
        policy_toml.parse(content, source="a file")
