import os
from pathlib import Path

import pytest
from leger_cli import stackdir


def write(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / name).write_text(content)
    return directory


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write(tmp_path / "notes", **{"web.container": "[Container]\n", "app.conf": "x"})


def paths(directory: Path) -> list[str]:
    return [file.path for file in stackdir.read(directory, name=None).files]


def test_a_stack_is_named_like_its_directory(notes: Path) -> None:
    assert stackdir.read(notes, name=None).name == "notes"


def test_the_directory_may_be_the_current_one(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(notes)
    assert stackdir.read(Path(), name=None).name == "notes"


def test_another_name_replaces_the_directorys(notes: Path) -> None:
    assert stackdir.read(notes, name="memos").name == "memos"


@pytest.mark.parametrize("name", ["Notes", "1st", "a/../b", "", "a" * 49, "a_b", "a\n"])
def test_a_name_that_cannot_be_a_stacks_is_refused(notes: Path, name: str) -> None:
    with pytest.raises(stackdir.InvalidStackName) as refused:
        stackdir.read(notes, name=name)
    assert "--name" in refused.value.next_step


def test_files_come_sorted_with_content_and_mode(notes: Path) -> None:
    (notes / "app.conf").chmod(0o640)
    read = stackdir.read(notes, name=None).files
    assert [(f.path, f.mode, f.content) for f in read] == [
        ("app.conf", 0o640, b"x"),
        ("web.container", (notes / "web.container").stat().st_mode & 0o777, b"[Container]\n"),
    ]


def test_files_in_directories_have_paths_with_slashes(notes: Path) -> None:
    write(notes / "conf.d", **{"a.conf": "a"})
    assert "conf.d/a.conf" in paths(notes)


@pytest.mark.parametrize("name", [".env", ".git", "web.container~", "#web#", "web.bak"])
def test_hidden_files_and_backups_are_left_out(notes: Path, name: str) -> None:
    write(notes, **{name: "x"})
    assert paths(notes) == ["app.conf", "web.container"]


def test_directories_of_bytecode_are_left_out(notes: Path) -> None:
    write(notes / "__pycache__", **{"x.pyc": "x"})
    assert paths(notes) == ["app.conf", "web.container"]


def test_a_link_inside_the_directory_is_followed(notes: Path) -> None:
    (notes / "copy.conf").symlink_to("app.conf")
    read = {file.path: file.content for file in stackdir.read(notes, name=None).files}
    assert read["copy.conf"] == b"x"


def test_a_link_to_a_directory_inside_is_followed(notes: Path) -> None:
    write(notes / "conf.d", **{"a.conf": "a"})
    (notes / "same").symlink_to("conf.d")
    assert "same/a.conf" in paths(notes)


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside", ".."])
def test_a_link_out_of_the_directory_is_refused(notes: Path, target: str) -> None:
    (notes / "link").symlink_to(target)
    with pytest.raises(stackdir.UnsafePath) as refused:
        stackdir.read(notes, name=None)
    assert str(notes / "link") in refused.value.what


def test_a_link_that_would_never_end_is_refused(notes: Path) -> None:
    (notes / "again").symlink_to(".")
    with pytest.raises(stackdir.UnsafePath):
        stackdir.read(notes, name=None)


def test_a_link_to_itself_is_refused(notes: Path) -> None:
    (notes / "self").symlink_to("self")
    with pytest.raises(stackdir.DirectoryUnreadable):
        stackdir.read(notes, name=None)


def test_a_fifo_is_refused_and_not_waited_for(notes: Path) -> None:
    os.mkfifo(notes / "pipe")
    with pytest.raises(stackdir.DirectoryUnreadable) as refused:
        stackdir.read(notes, name=None)
    assert "regular file" in refused.value.why


def test_a_name_that_is_not_utf8_is_refused(notes: Path) -> None:
    Path(os.fsdecode(bytes(notes) + b"/\xff.conf")).write_text("x")
    with pytest.raises(stackdir.UnsafePath):
        stackdir.read(notes, name=None)


def test_a_directory_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(stackdir.DirectoryNotFound):
        stackdir.read(tmp_path / "nowhere", name=None)


def test_a_file_is_no_directory(notes: Path) -> None:
    with pytest.raises(stackdir.DirectoryNotFound) as refused:
        stackdir.read(notes / "app.conf", name=None)
    assert refused.value.why == "It is a file."


def test_too_much_data_is_refused(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stackdir, "MAX_BYTES", 100)
    write(notes, **{"dump.sql": "x" * 101})
    with pytest.raises(stackdir.StackTooLarge):
        stackdir.read(notes, name=None)


def test_too_many_files_are_refused(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stackdir, "MAX_FILES", 1)
    with pytest.raises(stackdir.StackTooLarge):
        stackdir.read(notes, name=None)


def test_an_upload_is_a_header_and_then_chunks_of_each_file(notes: Path) -> None:
    (notes / "app.conf").write_bytes(b"x" * (stackdir.CHUNK + 1))
    (notes / "web.container").write_bytes(b"")
    header, *chunks = stackdir.upload(stackdir.read(notes, name=None))
    assert header.header.stack == "notes"
    assert [(c.chunk.path, len(c.chunk.content)) for c in chunks] == [
        ("app.conf", stackdir.CHUNK),
        ("app.conf", 1),
        ("web.container", 0),
    ]
