"""`leger secrets backup`, `restore`, `backups` and `recovery-key` against the real service."""

import json
import re
import shutil
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store
from pyrage import decrypt, x25519

PASSPHRASE = "five random words are good"
AGE_FILE = b"age-encryption.org/v1\n"


@pytest.fixture
def stored(secrets: Store) -> Store:
    """A service with two secrets, one of two versions."""
    secrets.put("api_key", b"first", b"second", active=1)
    secrets.put("prod/db", b"hunter2")
    return secrets


@pytest.fixture
def recovery(leger: Leger, stored: Store, tmp_path: Path) -> Path:
    """The file of a recovery key."""
    path = tmp_path / "recovery.key"
    assert leger.run("secrets", "recovery-key", "--out", str(path)).code == 0
    return path


def identity_in(path: Path) -> str:
    return path.read_text().splitlines()[-1]


def recipient_of(path: Path) -> str:
    return str(x25519.Identity.from_str(identity_in(path)).to_public())


def test_a_recovery_key_is_written_for_its_owner_alone(
    leger: Leger, stored: Store, tmp_path: Path
) -> None:
    path = tmp_path / "recovery.key"
    done = leger.run("secrets", "recovery-key", "--out", str(path))
    assert done.code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"recovery recipient {recipient_of(path)}\n" in done.out
    assert "leger secrets backup --scheduled" in done.err
    assert identity_in(path) not in done.out + done.err + stored.audit_log
    before = path.read_text()
    again = leger.run("secrets", "recovery-key", "--out", str(path))
    assert (again.code, "--force" in again.err) == (6, False)
    assert path.read_text() == before


def test_a_recovery_key_is_shown_once_at_a_terminal(leger: Leger, stored: Store) -> None:
    done = leger.at_terminal("secrets", "recovery-key")
    assert done.code == 0
    [identity] = set(re.findall(r"AGE-SECRET-KEY-1[0-9A-Z]+", done.out))
    recipient = str(x25519.Identity.from_str(identity).to_public())
    assert recipient in leger.run("secrets", "backups").out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_recovery_key_is_not_written_where_it_may_stay(
    leger: Leger, stored: Store, options: list[str]
) -> None:
    done = leger.run("secrets", "recovery-key", *options)
    assert (done.code, done.out) == (2, "")
    assert "--out FILE" in done.err
    assert json.loads(leger.run("secrets", "backups", "--json").out)["recovery_recipients"] == []


def test_a_key_that_one_has_is_added_and_removed(leger: Leger, stored: Store) -> None:
    mine = str(x25519.Identity.generate().to_public())
    added = leger.run("secrets", "recovery-key", "--add", mine, "--json")
    assert json.loads(added.out) == {
        "recovery_recipients": [mine],
        "new_recipient": None,
        "file": None,
    }
    removed = leger.run("secrets", "recovery-key", "--remove", mine)
    assert removed.code == 0
    assert "There is no recovery key" in removed.err
    assert leger.run("secrets", "recovery-key", "--remove", mine).code == 5


def test_a_recipient_that_is_none_is_refused_by_its_option(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "recovery-key", "--add", "age1nobody")
    assert done.code == 7
    assert "  - --add: " in done.err


def test_a_backup_is_for_the_recovery_keys_when_nothing_is_said(
    leger: Leger, recovery: Path, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.age"
    done = leger.run("secrets", "backup", str(file))
    assert done.code == 0
    assert done.out.startswith(f"{file}: 2 secrets with 3 versions, ")
    assert recipient_of(recovery) in done.err
    assert file.stat().st_mode & 0o777 == 0o600
    document = decrypt(file.read_bytes(), [x25519.Identity.from_str(identity_in(recovery))])
    assert b'"name":"prod/db"' in document
    assert b"hunter2" not in file.read_bytes()


def test_a_file_is_replaced_only_when_asked_for(
    leger: Leger, recovery: Path, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.age"
    file.write_text("mine")
    assert leger.run("secrets", "backup", str(file)).code == 6
    assert file.read_text() == "mine"
    assert leger.run("secrets", "backup", str(file), "--force").code == 0
    assert file.read_bytes().startswith(AGE_FILE)


def test_without_a_recovery_key_a_passphrase_is_asked_for_twice(
    leger: Leger, stored: Store, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.age"
    done = leger.at_terminal("secrets", "backup", str(file), answers=[PASSPHRASE, PASSPHRASE])
    assert done.code == 0
    assert PASSPHRASE not in done.out
    assert file.read_bytes().startswith(AGE_FILE + b"-> scrypt ")
    restored = leger.at_terminal("secrets", "restore", str(file), "--dry-run", answers=[PASSPHRASE])
    assert restored.code == 0
    assert "All that is stored is as in the backup." in restored.out


def test_entries_that_differ_make_no_backup(leger: Leger, stored: Store, tmp_path: Path) -> None:
    file = tmp_path / "secrets.age"
    done = leger.at_terminal("secrets", "backup", str(file), answers=[PASSPHRASE, "another one"])
    assert done.code == 7
    assert not file.exists()


def test_a_passphrase_can_be_piped_in(leger: Leger, stored: Store, tmp_path: Path) -> None:
    file = tmp_path / "secrets.age"
    piped = f"{PASSPHRASE}\n".encode()
    assert leger.run("secrets", "backup", str(file), "--passphrase", stdin=piped).code == 0
    assert leger.run("secrets", "restore", str(file), "--dry-run", stdin=piped).code == 0
    wrong = leger.run("secrets", "restore", str(file), "--dry-run", stdin=b"wrong\n")
    assert wrong.code == 7
    assert "another passphrase" in wrong.err


def test_a_passphrase_in_a_pipe_is_not_passed_over(
    leger: Leger, recovery: Path, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.age"
    done = leger.run("secrets", "backup", str(file), stdin=PASSPHRASE.encode())
    assert (done.code, done.out) == (2, "")
    assert "--passphrase" in done.err
    assert not file.exists()


def test_a_passphrase_is_worked_with_once_where_nobody_is_asked(
    leger: Leger, stored: Store, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.age"
    passphrase = PASSPHRASE.encode()
    leger.run("secrets", "backup", str(file), "--passphrase", stdin=passphrase)
    before = stored.audit_log.count('"restore"')
    done = leger.run(
        "secrets", "restore", str(file), "--replace", "--yes", "--json", stdin=passphrase
    )
    assert (done.code, done.err) == (0, "")
    assert stored.audit_log.count('"restore"') == before + 1


def test_a_weak_passphrase_leaves_no_file(leger: Leger, stored: Store, tmp_path: Path) -> None:
    file = tmp_path / "secrets.age"
    done = leger.run("secrets", "backup", str(file), "--passphrase", stdin=b"short\n")
    assert done.code == 7
    assert list(tmp_path.iterdir()) == []


def test_nobody_to_ask_and_no_recovery_key_is_explained(
    leger: Leger, stored: Store, tmp_path: Path
) -> None:
    done = leger.run("secrets", "backup", str(tmp_path / "secrets.age"))
    assert done.code == 2
    assert "leger secrets recovery-key" in done.err


def test_a_backup_goes_to_a_pipe(leger: Leger, recovery: Path) -> None:
    process = leger.begun("secrets", "backup", "-")
    out, err = process.communicate()
    assert process.returncode == 0
    assert decrypt(out, [x25519.Identity.from_str(identity_in(recovery))])
    assert b"2 secrets with 3 versions" in err


def test_a_backup_does_not_go_to_a_terminal(leger: Leger, recovery: Path) -> None:
    done = leger.at_terminal("secrets", "backup", "-")
    assert done.code == 2
    assert "age-encryption" not in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x.age", "--scheduled"],
        ["--scheduled", "--passphrase"],
        ["x.age", "--passphrase", "--recipient", "age1x"],
        ["-", "--json"],
    ],
)
def test_arguments_that_do_not_fit_are_a_usage_error(
    leger: Leger, stored: Store, arguments: list[str]
) -> None:
    assert leger.run("secrets", "backup", *arguments).code == 2


def test_scheduled_backups_are_kept_and_listed(leger: Leger, stored: Store) -> None:
    empty = leger.run("secrets", "backups")
    assert "There is no scheduled backup yet." in empty.err
    made = leger.run("secrets", "backup", "--scheduled")
    assert made.code == 0
    [name] = re.findall(r"secrets-\d{8}T\d{6}Z\.age", made.out)
    listed = leger.run("secrets", "backups")
    assert name in listed.out
    assert "There is no recovery key" in listed.err
    answer = json.loads(leger.run("secrets", "backups", "--json").out)
    assert [backup["file"] for backup in answer["backups"]] == [name]
    assert Path(answer["directory"], name).exists()


def test_an_old_last_backup_is_remarked(leger: Leger, stored: Store) -> None:
    leger.run("secrets", "backup", "--scheduled")
    answer = json.loads(leger.run("secrets", "backups", "--json").out)
    directory = Path(answer["directory"])
    [made] = directory.iterdir()
    made.rename(directory / "secrets-20240131T020507Z.age")
    done = leger.run("secrets", "backups")
    assert re.search(r"The last one is \d+ days old\.", done.err)
    assert "systemctl --user status leger-backup.timer" in done.err


def test_a_scheduled_backup_is_restored_after_a_yes(leger: Leger, stored: Store) -> None:
    made = leger.run("secrets", "backup", "--scheduled", "--json")
    name = json.loads(made.out)["file"]
    stored.put("api_key", b"third")
    stored.put("later", b"x")
    refused = leger.run("secrets", "restore", "--scheduled", name)
    assert refused.code == 6
    assert "--replace" in refused.err
    unanswered = leger.run("secrets", "restore", "--scheduled", name, "--replace")
    assert unanswered.code == 2
    no = leger.at_terminal("secrets", "restore", "--scheduled", name, "--replace", answers=["n"])
    assert no.code == 1
    assert "later" in stored.values()
    yes = leger.at_terminal("secrets", "restore", "--scheduled", name, "--replace", answers=["y"])
    assert yes.code == 0
    assert "2 secrets with 3 versions restored" in yes.out
    assert stored.values() == {"api_key": [b"first", b"second"], "prod/db": [b"hunter2"]}


def test_the_table_shows_what_changes_without_values(leger: Leger, stored: Store) -> None:
    name = json.loads(leger.run("secrets", "backup", "--scheduled", "--json").out)["file"]
    stored.put("api_key", b"third")
    stored.put("later", b"x")
    done = leger.run("secrets", "restore", "--scheduled", name, "--dry-run")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()[3:]]
    assert rows == [["api_key", "secret", "change"], ["later", "secret", "remove"]]
    assert "later" in stored.values()


def test_a_restore_keeps_the_newest_recovery_key_and_tells_of_one_that_comes_back(
    leger: Leger, recovery: Path, stored: Store
) -> None:
    name = json.loads(leger.run("secrets", "backup", "--scheduled", "--json").out)["file"]
    old, newest = recipient_of(recovery), str(x25519.Identity.generate().to_public())
    leger.run("secrets", "recovery-key", "--remove", old, "--add", newest)
    restore = ("secrets", "restore", "--scheduled", name, "--replace", "--yes")
    shown = leger.run(*restore, "--dry-run")
    assert f"recovery recipient {old}\n" in shown.out
    assert f"leger secrets recovery-key --remove {old}\n" in shown.err
    assert json.loads(leger.run(*restore, "--json").out)["added_recipients"] == [old]
    listed = json.loads(leger.run("secrets", "backups", "--json").out)
    assert set(listed["recovery_recipients"]) == {old, newest}


def test_of_a_sealed_store_no_backup_is_made_and_nothing_is_asked(
    leger: Leger, recovery: Path, tmp_path: Path
) -> None:
    leger.run("secrets", "seal")
    file = tmp_path / "secrets.age"
    for options in ([], ["--passphrase"]):
        done = leger.at_terminal("secrets", "backup", str(file), *options)
        assert done.code == 8
        assert "There can be no backup of a sealed store." in done.out
        assert "assphrase" not in done.out
    assert not file.exists()


def test_a_new_machine_is_restored_with_the_recovery_key(
    leger: Leger, recovery: Path, stored: Store, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.age"
    leger.run("secrets", "backup", str(file))
    shutil.rmtree(leger.runtime / "state")
    stored.restart()
    locked = leger.run("secrets", "restore", str(file))
    assert locked.code == 7
    assert "--identity KEYFILE" in locked.err
    done = leger.run("secrets", "restore", str(file), "--identity", str(recovery))
    assert done.code == 0
    assert stored.values() == {"api_key": [b"first", b"second"], "prod/db": [b"hunter2"]}
    assert recipient_of(recovery) in leger.run("secrets", "backups").out


def test_the_recovery_key_can_be_piped_in(leger: Leger, recovery: Path, tmp_path: Path) -> None:
    file = tmp_path / "secrets.age"
    leger.run("secrets", "backup", str(file))
    arguments = ("secrets", "restore", str(file), "--identity", "-", "--dry-run", "--json")
    done = leger.run(*arguments, stdin=identity_in(recovery).encode())
    answer = json.loads(done.out)
    assert (answer["dry_run"], answer["secrets"], answer["changed"]) == (True, 2, [])


def test_a_backup_can_be_piped_in_but_not_together_with_what_opens_it(
    leger: Leger, recovery: Path, stored: Store, tmp_path: Path
) -> None:
    file, locked = tmp_path / "secrets.age", tmp_path / "locked.age"
    leger.run("secrets", "backup", str(file))
    leger.run("secrets", "backup", str(locked), "--passphrase", stdin=PASSPHRASE.encode())
    stored.put("later", b"x")
    restore = ("secrets", "restore", "-", "--replace", "--yes")
    for arguments, content in (
        ([*restore, "--identity", "-"], file.read_bytes()),
        (restore, locked.read_bytes() + PASSPHRASE.encode()),
    ):
        refused = leger.run(*arguments, stdin=content)
        assert (refused.code, "later" in stored.values()) == (2, True)
        assert "Standard input cannot be the backup and what opens it." in refused.err
    done = leger.run(*restore, "--identity", str(recovery), stdin=file.read_bytes())
    assert (done.code, "later" in stored.values()) == (0, False)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("age1nobody\n", "begins with AGE-SECRET-KEY-1"),
        ("", "begins with AGE-SECRET-KEY-1"),
        ("AGE-SECRET-KEY-1A\nAGE-SECRET-KEY-1B\n", "one line"),
        ("age-encryption.org/v1\n-> scrypt x 18\n", "encrypted itself"),
    ],
)
def test_a_file_without_a_recovery_key_is_refused_before_anything_is_sent(
    leger: Leger, recovery: Path, tmp_path: Path, content: str, why: str
) -> None:
    file, key = tmp_path / "secrets.age", tmp_path / "other.key"
    leger.run("secrets", "backup", str(file))
    key.write_text(content)
    done = leger.run("secrets", "restore", str(file), "--identity", str(key))
    assert done.code == 7
    assert why in done.err


def test_a_damaged_file_is_named(leger: Leger, recovery: Path, tmp_path: Path) -> None:
    file = tmp_path / "secrets.age"
    leger.run("secrets", "backup", str(file))
    file.write_bytes(file.read_bytes()[:-1])
    done = leger.run(
        "secrets", "restore", str(file), "--identity", str(recovery), "--replace", "-y"
    )
    assert done.code == 7
    assert "damaged or cut off" in done.err


def test_a_file_that_is_not_there_is_said_before_anybody_is_to_be_asked(
    leger: Leger, stored: Store
) -> None:
    for command in (["secrets", "restore", "x.age", "--replace"], ["secrets", "import", "x.env"]):
        done = leger.run("--json", *command)
        assert json.loads(done.err)["error"]["reason"] == "FILE_NOT_FOUND"
    done = leger.run("--json", "deploy", "install", "no-such-directory")
    assert "no-such-directory" in json.loads(done.err)["error"]["what"]


def test_a_file_that_is_not_there_says_where_backups_are(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "restore", "missing.age")
    assert done.code == 5
    assert "leger secrets backups" in done.err
    assert leger.run("secrets", "restore", "/").code == 7
    assert leger.run("secrets", "restore").code == 2
    assert leger.run("secrets", "restore", "missing.age", "--scheduled", "x").code == 2
