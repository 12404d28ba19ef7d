"""`leger secrets import` and `export`."""

import json
import stat
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store

ENV = "OPENAI_API_KEY=sk-1\nDB_PASSWORD='pa$$ word'\n"


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """A .env file that its owner alone can read."""
    path = tmp_path / ".env"
    path.write_text(ENV)
    path.chmod(0o600)
    return path


def test_an_import_shows_what_changes_and_stores_it(
    leger: Leger, secrets: Store, env: Path
) -> None:
    secrets.put("OPENAI_API_KEY", b"sk-0")
    secrets.bind("OPENAI_API_KEY", "web.service")
    done = leger.run("secrets", "import", str(env), "--yes")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["NAME", "CHANGE", "VERSION", "USED", "BY"],
        ["OPENAI_API_KEY", "update", "2", "web.service"],
        ["DB_PASSWORD", "create", "1", "-"],
        [],
        ["2", "values", "stored", "and", "active"],
    ]
    assert done.err == (
        f"→ leger services restart web\n{env} still holds the values in the clear.\n"
    )
    assert secrets.active() == {"DB_PASSWORD": b"pa$$ word", "OPENAI_API_KEY": b"sk-1"}


def test_a_dry_run_changes_nothing_and_asks_nothing(
    leger: Leger, secrets: Store, env: Path
) -> None:
    done = leger.run("secrets", "import", str(env), "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("create") == 2
    assert "stored" not in done.out
    assert secrets.values() == {}


def test_no_value_is_shown(leger: Leger, secrets: Store, env: Path) -> None:
    for arguments in (["--dry-run"], ["--yes"], ["--yes", "--json"]):
        done = leger.run("secrets", "import", str(env), *arguments)
        assert "sk-1" not in done.out + done.err
        assert "pa$$" not in done.out + done.err


def test_an_import_asks_first(leger: Leger, secrets: Store, env: Path) -> None:
    done = leger.at_terminal("secrets", "import", str(env), answers=["no"])
    assert done.code == 1
    assert "Store 2 values?" in done.out
    assert secrets.values() == {}
    assert leger.at_terminal("secrets", "import", str(env), answers=["yes"]).code == 0
    assert len(secrets.values()) == 2


def test_an_import_without_anybody_to_ask_is_refused(
    leger: Leger, secrets: Store, env: Path
) -> None:
    done = leger.run("secrets", "import", str(env))
    assert done.code == 2
    assert "--yes" in done.err


def test_importing_again_changes_nothing(leger: Leger, secrets: Store, env: Path) -> None:
    leger.run("secrets", "import", str(env), "--yes")
    done = leger.at_terminal("secrets", "import", str(env))
    assert done.code == 0
    assert done.out.count("no change") == 2
    assert "[y/N]" not in done.out
    assert all(len(versions) == 1 for versions in secrets.values().values())


def test_a_value_that_waited_is_only_activated(leger: Leger, secrets: Store, env: Path) -> None:
    secrets.put("OPENAI_API_KEY", b"sk-0", b"sk-1", active=1)
    done = leger.run("secrets", "import", str(env), "--yes", "--json")
    assert json.loads(done.out)["secrets"][0] == {
        "name": "OPENAI_API_KEY",
        "change": "activated",
        "version": 2,
        "units": [],
    }


def test_a_prefix_stands_before_each_name(leger: Leger, secrets: Store) -> None:
    data = b"db:\n  password: x\n"
    arguments = ["import", "-", "--format", "yaml", "--prefix", "notes/", "--yes"]
    assert leger.run("secrets", *arguments, stdin=data).code == 0
    assert secrets.active() == {"notes/db/password": b"x"}


def test_one_wrong_name_stores_nothing(leger: Leger, secrets: Store) -> None:
    data = b'{"fine": "x", "not//fine": "y"}'
    done = leger.run("secrets", "import", "-", "--format", "json", "--yes", stdin=data)
    assert (done.code, secrets.values()) == (7, {})
    assert '"not//fine" cannot be the name of a secret.' in done.err


def test_a_file_that_others_can_read_is_remarked(leger: Leger, secrets: Store, env: Path) -> None:
    env.chmod(0o644)
    done = leger.run("secrets", "import", str(env), "--dry-run")
    assert done.err.endswith(f"may read {env}.\n→ chmod 600 {env}\n")


def test_wrong_lines_are_named_and_nothing_is_stored(
    leger: Leger, secrets: Store, env: Path
) -> None:
    env.write_text("A=1\nhunter2\n")
    done = leger.run("secrets", "import", str(env), "--yes")
    assert (done.code, done.out, secrets.values()) == (7, "", {})
    assert "  - line 2: There is no `=` in it.\n" in done.err
    assert "hunter2" not in done.err


def test_a_file_that_is_not_there_is_not_found(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "import", "/nowhere/.env", "--yes", "--json")
    assert done.code == 5
    assert json.loads(done.err)["error"]["reason"] == "FILE_NOT_FOUND"


@pytest.fixture
def stored(secrets: Store) -> Store:
    secrets.put("api_key", b"it's")
    secrets.put("notes/db", b"pa$$\nword")
    secrets.put("notes/key", b"\xc3\xa9")
    return secrets


def test_an_export_in_a_pipe_is_a_file_of_variables(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "export")
    assert (done.code, done.err) == (0, "")
    assert done.out == "API_KEY=\"it's\"\nNOTES_DB='pa$$\nword'\nNOTES_KEY='é'\n"


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["notes/*"], ["notes/db", "notes/key"]),
        (["*e*", "api_key"], ["api_key", "notes/db", "notes/key"]),
        (["notes/key", "api_key"], ["notes/key", "api_key"]),
    ],
)
def test_names_and_patterns_choose_what_is_exported(
    leger: Leger, stored: Store, names: list[str], chosen: list[str]
) -> None:
    done = leger.run("secrets", "export", *names, "--format", "json")
    assert list(json.loads(done.out)) == chosen


@pytest.mark.parametrize("name", ["nothing*", "nothing"])
def test_what_is_not_there_cannot_be_exported(leger: Leger, stored: Store, name: str) -> None:
    done = leger.run("secrets", "export", "api_key", name)
    assert (done.code, done.out) == (5, "")


@pytest.mark.parametrize("suffix", ["env", "json", "yaml"])
def test_what_was_exported_can_be_imported(
    leger: Leger, stored: Store, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    done = leger.run("secrets", "export", "--out", str(path))
    assert (done.code, done.out) == (0, f"3 values written to {path}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = leger.run("secrets", "import", str(path), "--dry-run")
    change = "create" if suffix == "env" else "no change"  # variables have names of their own
    assert (done.err, done.out.count(change)) == ("", 3)


def test_a_file_is_replaced_by_force_alone(leger: Leger, stored: Store, env: Path) -> None:
    done = leger.run("secrets", "export", "--out", str(env))
    assert (done.code, env.read_text()) == (6, ENV)
    done = leger.run("secrets", "export", "--out", str(env), "--force")
    assert (done.code, env.read_text() == ENV) == (0, False)
    assert list(env.parent.iterdir()) == [env]


def test_what_a_format_cannot_hold_is_written_nowhere(
    leger: Leger, stored: Store, tmp_path: Path
) -> None:
    stored.put("bytes", b"\xff")
    path = tmp_path / "x.json"
    done = leger.run("secrets", "export", "--out", str(path))
    assert (done.code, done.out, path.exists()) == (7, "", False)
    assert "  - bytes: It is not UTF-8.\n" in done.err


def test_an_export_to_a_terminal_asks_first(leger: Leger, stored: Store) -> None:
    done = leger.at_terminal("secrets", "export", "api_key", answers=["no"])
    assert done.code == 1
    assert "Show 1 value on this terminal?" in done.out
    assert "it's" not in done.out
    done = leger.at_terminal("secrets", "export", "api_key", answers=["y"])
    assert done.out.endswith('API_KEY="it\'s"\r\n')


def test_values_stay_out_of_json_when_they_are_in_a_file(
    leger: Leger, stored: Store, tmp_path: Path
) -> None:
    path = tmp_path / "x.env"
    done = leger.run("secrets", "export", "api_key", "--out", str(path), "--json")
    assert json.loads(done.out) == {
        "file": str(path),
        "secrets": [{"name": "api_key", "version": 1}],
        "revision": 3,
    }
