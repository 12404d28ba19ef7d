"""The anchor remembers how far the store and the audit log had come."""

import os
import threading
from pathlib import Path

import pytest
from leger_runtime.errors import Kind
from leger_secrets.adapters.anchor import Anchor
from leger_secrets.domain.sealing_errors import AnchorDamaged

KEY, NEW_KEY = bytes(32), bytes(range(32))
DIGEST = "ab" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "anchor"


def create(path: Path, generation: int = 0) -> Anchor:
    return Anchor.create(path=path, key=KEY, generation=generation)


def reopened(path: Path, *keys: bytes) -> Anchor:
    return Anchor(path=path, keys=keys or [KEY])


def test_a_new_anchor_knows_of_a_generation_and_of_no_audit_log(path: Path) -> None:
    anchor = create(path, generation=7)
    assert anchor.generation == 7
    assert anchor.audit() is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_notes_are_there_for_another_process_at_once(path: Path) -> None:
    anchor = create(path)
    anchor.note_revision(3)
    anchor.note_audit(5, DIGEST)
    again = reopened(path)
    assert again.generation == 3
    assert again.audit() == (5, DIGEST)


def test_the_generation_never_goes_down(path: Path) -> None:
    anchor = create(path)
    anchor.note_revision(9)
    anchor.note_revision(4)
    assert reopened(path).generation == 9


def test_the_end_of_the_audit_log_is_what_was_noted_last(path: Path) -> None:
    anchor = create(path)
    anchor.note_audit(9, DIGEST)
    anchor.note_audit(1, "cd" * 32)
    assert reopened(path).audit() == (1, "cd" * 32)


@pytest.mark.parametrize("slot", [0, 4096])
def test_a_torn_slot_leaves_the_note_before_it(path: Path, slot: int) -> None:
    anchor = create(path)
    for revision in (1, 2, 3):
        anchor.note_revision(revision)
    content = bytearray(path.read_bytes())
    content[slot + 40] ^= 1
    path.write_bytes(content)
    assert reopened(path).generation in (2, 3)


def test_after_a_torn_slot_both_are_written_again(path: Path) -> None:
    create(path).note_revision(1)
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    anchor = reopened(path)
    anchor.note_revision(2)
    anchor.note_revision(3)
    content = bytearray(path.read_bytes())
    content[4096 + 40] ^= 1
    path.write_bytes(content)
    assert reopened(path).generation in (2, 3)


def test_every_flipped_bit_of_a_slot_is_noticed(path: Path) -> None:
    create(path)
    whole = path.read_bytes()
    for offset in range(96):
        content = bytearray(whole)
        content[offset] ^= 1 << offset % 8
        content[4096 + offset] ^= 1 << offset % 8
        path.write_bytes(content)
        with pytest.raises(AnchorDamaged):
            reopened(path)


def test_an_anchor_that_is_gone_cut_or_anothers_is_refused_and_named(path: Path) -> None:
    with pytest.raises(AnchorDamaged) as gone:
        reopened(path)
    assert "not there" in gone.value.why
    create(path)
    with pytest.raises(AnchorDamaged) as anothers:
        reopened(path, NEW_KEY)
    assert anothers.value.kind is Kind.CONFLICT
    assert str(path) in anothers.value.what
    os.truncate(path, 50)
    with pytest.raises(AnchorDamaged):
        reopened(path)


def test_it_opens_with_either_key_while_it_gets_another(path: Path) -> None:
    anchor = create(path, generation=2)
    anchor.sign_with(NEW_KEY)
    assert reopened(path, NEW_KEY).generation == 2
    with pytest.raises(AnchorDamaged):
        reopened(path, KEY)
    anchor.note_revision(3)
    assert reopened(path, KEY, NEW_KEY).generation == 3


def test_a_note_after_closing_is_lost_and_harms_nothing(path: Path) -> None:
    anchor = create(path)
    anchor.close()
    anchor.note_revision(5)
    anchor.close()
    assert reopened(path).generation == 0


def test_a_failing_disk_is_said_once_and_the_next_note_carries_all(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    anchor = create(path)

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", fail)
        anchor.note_revision(1)
        anchor.note_revision(2)
    assert caplog.messages == [f"The anchor {path} cannot be written: No space left on device."]
    anchor.note_audit(1, DIGEST)
    assert reopened(path).generation == 2


def test_many_threads_may_note_at_once(path: Path) -> None:
    anchor = create(path)

    def note() -> None:
        for revision in range(1, 200):
            anchor.note_revision(revision)

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reopened(path).generation == 199
