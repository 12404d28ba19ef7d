"""The rollout that is under way survives its process, or is said to be unreadable."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_deployer.adapters.rollout_file import RolloutFile
from leger_deployer.domain.errors import StorageUnavailable
from leger_deployer.domain.rollout_intent import RolloutIntent

INTENT = RolloutIntent(
    secret="db/password",
    version=3,
    previous=2,
    before_previous=1,
    begun=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    touched=("db.service", "job@x.service"),
)


def test_what_was_written_is_read_by_another_process(tmp_path: Path) -> None:
    RolloutFile(data=tmp_path).write(INTENT)
    assert RolloutFile(data=tmp_path).read() == INTENT
    assert (tmp_path / "rollout.json").stat().st_mode & 0o777 == 0o600


def test_a_record_of_a_leger_that_kept_less_is_read(tmp_path: Path) -> None:
    file = RolloutFile(data=tmp_path)
    file.write(INTENT)
    record = json.loads((tmp_path / "rollout.json").read_text())
    del record["before_previous"]
    (tmp_path / "rollout.json").write_text(json.dumps(record))
    assert file.read() == replace(INTENT, before_previous=None)


def test_nothing_is_under_way_before_and_after(tmp_path: Path) -> None:
    file = RolloutFile(data=tmp_path)
    assert file.read() is None
    file.write(INTENT)
    file.clear()
    file.clear()
    assert file.read() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "x": 1}'])
def test_what_is_no_record_is_named_and_not_guessed(tmp_path: Path, content: str) -> None:
    (tmp_path / "rollout.json").write_text(content)
    with pytest.raises(StorageUnavailable) as raised:
        RolloutFile(data=tmp_path).read()
    assert str(tmp_path / "rollout.json") in raised.value.why
