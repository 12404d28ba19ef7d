"""The stacks' files on a real disk: one rename is the switch, and a full disk says so."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_deployer.adapters import generation_record
from leger_deployer.adapters.stack_files import DiskStackFiles
from leger_deployer.domain.errors import DiskFull, StorageUnavailable
from leger_deployer.domain.intent import Intent, Operation
from leger_deployer.domain.published_port import parse
from leger_deployer.domain.stack import Generation, SecretUse, StackUnit, UnitKind
from unit.secrets.disks import small_disk


def generation(number: int = 1, stack: str = "web") -> Generation:
    return Generation(
        stack=stack,
        number=number,
        apply_time=datetime(2026, 1, 1, tzinfo=UTC),
        units=(
            StackUnit(
                file="web.container",
                unit="web.service",
                kind=UnitKind.CONTAINER,
                resource="systemd-web",
                image="localhost/web:1",
                pull=True,
                ports=parse("127.0.0.1:80-81:80-81"),
                requires=("db.service",),
                volumes=("data",),
                subnets=("10.0.0.0/8",),
                healthy_within=12.5,
                notifies_healthy=True,
            ),
        ),
        secrets=(
            SecretUse(
                unit="web.service",
                secret="a/b",
                credential="a_b-1",
                type="env",
                target="A",
                podman_secret="leger-web-a",
            ),
        ),
    )


@pytest.fixture
def files(tmp_path: Path) -> DiskStackFiles:
    files = DiskStackFiles(data=tmp_path / "data", quadlets=tmp_path / "quadlets")
    files.prepare()
    return files


@pytest.fixture
def staged(files: DiskStackFiles) -> Path:
    upload = files.new_upload("web-1")
    upload.write("web.container", b"[Container]\n", mode=0o644)
    upload.write("bin/run", b"#!/bin/sh\n", mode=0o755)
    upload.write("bin/run", b"true\n", mode=0o755)
    return upload.directory


def test_a_record_is_read_back_as_what_was_written() -> None:
    found = generation()
    assert generation_record.to_generation(generation_record.of_generation(found)) == found
    intent = Intent(operation=Operation.REMOVE, generation=found, doomed_volumes=("data",))
    assert generation_record.to_intent(generation_record.of_intent(intent)) == intent


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 2}', b'{"format": 1}', b"[1]"])
def test_what_is_no_record_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        generation_record.to_generation(content)


def test_the_layout_of_an_installed_stack(
    files: DiskStackFiles, staged: Path, tmp_path: Path
) -> None:
    files.store_generation(generation(), staged)
    files.switch("web", 1)
    data, link = tmp_path / "data", tmp_path / "quadlets/leger/web"
    assert link.readlink() == data / "active/web"
    assert str((data / "active/web").readlink()) == "../generations/web/1"
    assert (link / "bin/run").read_bytes() == b"#!/bin/sh\ntrue\n"
    assert (link / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (link / "bin").stat().st_mode & 0o777 == 0o755
    assert files.active("web") == generation()
    assert files.stacks() == ["web"]
    assert data.stat().st_mode & 0o777 == 0o700


def test_a_second_generation_is_active_after_one_rename(
    files: DiskStackFiles, staged: Path, tmp_path: Path
) -> None:
    assert files.next_number("web") == 1
    files.store_generation(generation(1), staged)
    files.switch("web", 1)
    assert files.next_number("web") == 2
    files.store_generation(generation(2), staged)
    assert files.active("web") == generation(1)
    files.switch("web", 2)
    assert files.active("web") == generation(2)


def test_a_withdrawn_stack_leaves_nothing_once_its_generations_are_dropped(
    files: DiskStackFiles, staged: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    files.store_generation(generation(), staged)
    files.switch("web", 1)
    for _ in range(2):  # doing it again is fine
        files.withdraw("web")
        files.drop_generations("web")
    assert sorted(tmp_path.rglob("*")) == before
    assert files.active("web") is None
    assert files.stacks() == []


def test_a_half_written_generation_is_replaced(
    files: DiskStackFiles, staged: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "data/generations/web/.1.tmp"
    draft.mkdir(parents=True)
    (draft / "rest").write_text("of a process that was killed")
    files.store_generation(generation(), staged)
    assert not (tmp_path / "data/generations/web/1/rest").exists()


def test_intents_stay_until_they_are_cleared(files: DiskStackFiles) -> None:
    intent = Intent(operation=Operation.APPLY, generation=generation())
    files.record_intent(intent)
    assert files.intents() == [intent]
    files.clear_intent("web")
    files.clear_intent("web")
    assert files.intents() == []


def test_drop_ins_are_replaced_and_the_users_own_stay(files: DiskStackFiles, staged: Path) -> None:
    own = staged / "web.container.d/10-own.conf"
    own.parent.mkdir()
    own.write_text("[Container]\n")
    files.write_drop_ins(staged, {"web.container.d/90-leger.conf": "one\n"})
    files.write_drop_ins(staged, {"x.pod.d/90-leger.conf": "two\n"})
    found = {str(p.relative_to(staged)) for p in staged.rglob("*.conf")}
    assert found == {"web.container.d/10-own.conf", "x.pod.d/90-leger.conf"}


def test_what_an_earlier_process_staged_is_dropped(files: DiskStackFiles, staged: Path) -> None:
    files.drop_staged("not-there")
    files.drop_all_staged()
    assert not staged.exists()


def test_a_record_that_cannot_be_read_is_named(
    files: DiskStackFiles, staged: Path, tmp_path: Path
) -> None:
    files.store_generation(generation(), staged)
    files.switch("web", 1)
    (tmp_path / "data/generations/web/1.json").write_text("{}")
    with pytest.raises(StorageUnavailable, match=r"generations/web/1\.json"):
        files.active("web")
    (tmp_path / "data/intents/web.json").write_text("garbage")
    with pytest.raises(StorageUnavailable, match=r"intents/web\.json"):
        files.intents()


def test_a_full_disk_is_said_to_be_full_and_leaves_no_half_of_anything(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        files = DiskStackFiles(data=disk.path / "data", quadlets=tmp_path / "quadlets")
        files.prepare()
        directory = tmp_path / "staged"
        directory.mkdir()
        (directory / "asset").write_bytes(bytes(100_000))
        upload = files.new_upload("web-1")
        disk.fill()
        with pytest.raises(DiskFull, match="no space left"):
            files.record_intent(Intent(operation=Operation.APPLY, generation=generation()))
        with pytest.raises(DiskFull):
            files.store_generation(generation(), directory)
        with pytest.raises(DiskFull):
            upload.write("a/b", b"x", mode=0o644)
        assert files.intents() == []
        # What takes away needs no space.
        files.withdraw("web")
        files.drop_generations("web")
        files.clear_intent("web")
        disk.free()
        files.store_generation(generation(), directory)


def test_a_disk_that_is_read_only_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        files = DiskStackFiles(data=disk.path / "data", quadlets=tmp_path / "quadlets")
        files.prepare()
        subprocess.run(["mount", "-o", "remount,ro", disk.path], check=True)
        with pytest.raises(StorageUnavailable, match="Read-only file system"):
            files.record_intent(Intent(operation=Operation.APPLY, generation=generation()))
