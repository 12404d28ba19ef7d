import shutil
from pathlib import Path

import pytest
from leger_bootstrap import store_copy


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store of an older leger, with an audit log beside it."""
    for name in ("secrets.db", "secrets.db-wal", "keyring.json", "anchor", "audit.log"):
        (tmp_path / name).write_text(f"old {name}")
        (tmp_path / name).chmod(0o600)
    return tmp_path


def migrate(state: Path) -> None:
    """Do what a newer leger might do to it."""
    for name in ("secrets.db", "keyring.json", "anchor", "audit.log", "secrets.db-shm"):
        (state / name).write_text(f"new {name}")
    (state / "secrets.db-wal").unlink()


def test_what_is_put_back_is_what_was_copied_but_for_the_audit_log(state: Path) -> None:
    store_copy.make(state)
    migrate(state)
    store_copy.put_back(state)
    for name in ("secrets.db", "secrets.db-wal", "keyring.json", "anchor"):
        assert (state / name).read_text() == f"old {name}"
        assert (state / name).stat().st_mode & 0o777 == 0o600
    assert (state / "audit.log").read_text() == "new audit.log"
    assert not (state / "secrets.db-shm").exists()


def test_a_log_that_was_not_there_is_not_there_again(state: Path) -> None:
    (state / "secrets.db-wal").unlink()
    store_copy.make(state)
    (state / "secrets.db-wal").write_text("of the newer one")
    store_copy.put_back(state)
    assert not (state / "secrets.db-wal").exists()


def test_a_copy_is_its_owners_alone_and_goes_when_it_is_dropped(state: Path) -> None:
    before = sorted(path.name for path in state.iterdir())
    store_copy.make(state)
    assert store_copy.directory(state).stat().st_mode & 0o777 == 0o700
    store_copy.drop(state)
    assert sorted(path.name for path in state.iterdir()) == before
    store_copy.drop(state)  # there is none


def test_a_copy_that_was_interrupted_is_none_and_is_in_nobodys_way(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_source: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copy2", cut)
        with pytest.raises(KeyboardInterrupt):
            store_copy.make(state)
    assert not store_copy.exists(state)
    store_copy.make(state)
    assert store_copy.exists(state)


def test_a_newer_copy_replaces_an_older_one(state: Path) -> None:
    store_copy.make(state)
    migrate(state)
    store_copy.make(state)
    store_copy.put_back(state)
    assert (state / "secrets.db").read_text() == "new secrets.db"
