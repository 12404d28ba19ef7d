import shutil
import threading
from pathlib import Path

import pytest
from leger_bootstrap import directory_lock


def test_who_comes_second_waits(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with directory_lock.waiting(tmp_path):
            order.append("second")

    waiting = threading.Thread(target=second)
    with directory_lock.waiting(tmp_path):
        waiting.start()
        with pytest.raises(BlockingIOError), directory_lock.at_once(tmp_path):
            pass
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_directory_that_was_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    locked = []

    def second() -> None:
        with (
            directory_lock.waiting(directory),
            pytest.raises(BlockingIOError),
            directory_lock.at_once(directory),
        ):
            locked.append(directory.stat().st_mode & 0o777)

    waiting = threading.Thread(target=second)
    with directory_lock.waiting(directory):
        waiting.start()
        shutil.rmtree(directory)
    waiting.join()
    assert locked == []
    assert directory.stat().st_mode & 0o777 == 0o700
