"""Search a box's disk, all of it, for strings that must not be there.

The strings are never written to a disk nor put into a process's arguments: grep reads them from
a descriptor in memory.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import mmap
import os
import subprocess
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from . import disk, needles
from .errors import BoxError, Code
from .layout import Box, Record

_BATCH: Final = 800  # paths an invocation of grep is given; far below the kernel's limit
_CHUNK: Final = 4 << 20
_JOURNAL_COMPRESSED: Final = 1 | 2 | 8  # systemd, JOURNAL_FILE_FORMAT: incompatible flags
_OPENERS: Final[dict[str, Callable[[str], BufferedIOBase]]] = {
    "gz": gzip.GzipFile,
    "tgz": gzip.GzipFile,
    "xz": lzma.LZMAFile,
    "bz2": bz2.BZ2File,
}


class Hit(NamedTuple):
    """A string (numbered from 1) found in the file with this path in the box."""

    path: str
    number: int
    form: str


class Report(NamedTuple):
    """What was read, what was found, and what could not be read."""

    files: int
    size: int
    hits: tuple[Hit, ...]
    unreadable: tuple[str, ...]


def scan(box: Box, strings: Sequence[bytes]) -> Report:
    """Search every file of the box that is not in memory; the box may be up or down.

    Looked at: contents, raw and as base64 in all alignments and both alphabets, even wrapped;
    names and symlink targets; container storage and image stores; compressed journals and
    .gz .tgz .xz .bz2 .zst files, unpacked; files deleted but still open. A file that vanishes
    meanwhile is skipped. Not looked at: extended attributes, and what was deleted and closed.
    Raises BoxError: USAGE for a string too short, NOT_FOUND without box.
    """
    record = box.read()
    if not strings or any(len(text) < needles.SHORTEST for text in strings):
        raise BoxError(
            "there is nothing to scan for",
            why=f"a string of fewer than {needles.SHORTEST} bytes is in every file",
            todo="give longer strings: box scan STRING, or one a line with box scan -",
            code=Code.USAGE,
        )
    # In a child, since the mount it needs is to be gone when it is.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work(box, record, needles.make(strings), writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as result:
        answer = result.read()
    os.waitpid(child, 0)
    outcome = json.loads(answer or '{"error": "the scanning process was killed"}')
    if "error" in outcome:
        raise BoxError(
            "the scan did not end",
            why=outcome["error"],
            todo="nothing is known of the disk now; scan again",
            code=Code.USAGE,
        )
    return Report(
        outcome["files"],
        outcome["size"],
        tuple(Hit(*hit) for hit in outcome["hits"]),
        tuple(outcome["unreadable"]),
    )


def _work(box: Box, record: Record, wanted: list[needles.Needle], writer: int) -> None:
    outcome: dict[str, object]
    try:
        disk.mount_merged(box, record)
        outcome = _Search(box, wanted).run(disk.trees(box, record))._asdict()
    except BaseException as error:
        outcome = {"error": f"{type(error).__name__}: {error}"}
    with os.fdopen(writer, "w") as answer:
        json.dump(outcome, answer)
    os._exit(0)


class _Search:
    """One scan; it runs where `box.root` shows the merged disk."""

    def __init__(self, box: Box, wanted: list[needles.Needle]) -> None:
        self.box = box
        self.wanted = wanted
        self.hits: set[Hit] = set()
        self.unreadable: list[str] = []
        self.probes = os.memfd_create("probes")
        lines = sorted({probe for needle in wanted for probe in needle.probes})
        os.write(self.probes, b"\n".join(lines) + b"\n")

    def run(self, trees: Iterable[disk.Tree]) -> Report:
        found = self._collect(trees)
        contents = [file for file in found if file.size]
        self._look_at_names(found)
        batches = [contents[n : n + _BATCH] for n in range(0, len(contents), _BATCH)]
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for suspects in pool.map(self._grep, batches):
                for file in suspects:
                    self._look_into(file)
        for file in contents:
            self._look_into_packed(file)
        return Report(
            sum(not file.directory for file in found),
            sum(file.size for file in found),
            tuple(sorted(self.hits)),
            tuple(sorted(set(self.unreadable))),
        )

    def _collect(self, trees: Iterable[disk.Tree]) -> list[disk.Found]:
        found: list[disk.Found] = []
        for tree in trees:
            try:
                found += disk.files(tree)
            except OSError as error:
                self.unreadable.append(f"{tree.inside}: {error}")
        return found + list(disk.deleted_but_open(self.box))

    def _look_at_names(self, found: Sequence[disk.Found]) -> None:
        everything = "\0".join(f"{file.inside}\0{file.target}" for file in found)
        if not needles.found(self.wanted, os.fsencode(everything)):
            return
        for file in found:
            for text, what in ((file.inside.rpartition("/")[2], "name"), (file.target, "target")):
                for number, form in needles.found(self.wanted, os.fsencode(text)):
                    self.hits.add(Hit(file.inside, number, f"{form}, in its {what}"))

    def _grep(self, batch: Sequence[disk.Found]) -> list[disk.Found]:
        """The files of the batch that hold a probe, and those grep had trouble with."""
        # Without --text, so that a NUL ends a line and a sparse file is not one huge line.
        command = ["grep", "--files-with-matches", "--null", "--fixed-strings"]
        command += [f"--file=/dev/fd/{self.probes}", "--", *(file.outside for file in batch)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"LC_ALL": "C", "PATH": os.defpath},
            pass_fds=(self.probes,),
            check=False,
        )
        names = set(os.fsdecode(done.stdout).split("\0"))
        names |= _complained_of(os.fsdecode(done.stderr), batch)
        if done.returncode not in (0, 1) and (done.returncode != 2 or not done.stderr):
            raise RuntimeError(f"grep ended with {done.returncode}")
        return [file for file in batch if file.outside in names]

    def _look_into(self, file: disk.Found) -> None:
        """Read a suspect whole: name what is in it, or why it cannot be read."""
        try:
            with Path(file.outside).open("rb") as content:
                if os.fstat(content.fileno()).st_size:
                    with mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as data:
                        self._note(file, cast("needles.Bytes", data), "")
        except OSError as error:
            if error.errno not in disk.VANISHED:
                self.unreadable.append(f"{file.inside}: {error.strerror}")

    def _note(self, file: disk.Found, data: needles.Bytes, how: str) -> None:
        for number, form in needles.found(self.wanted, data):
            self.hits.add(Hit(file.inside, number, form + how))

    def _look_into_packed(self, file: disk.Found) -> None:
        """Search what is inside a compressed file or a journal with compressed fields."""
        name = file.inside
        opener = _OPENERS.get(name.rpartition(".")[2])
        try:
            if opener:
                self._stream(file, opener(file.outside))
            elif name.endswith(".zst"):
                self._stream_of(file, "zstd", "--decompress", "--stdout", name)
            elif ".journal" in name and self._is_compressed_journal(file):
                self._stream_of(file, "journalctl", "--file", name, "--output=export", "--all")
        except (EOFError, lzma.LZMAError, OSError, zlib.error):
            return  # not what its name says, or cut short: its bytes were searched as they are

    @staticmethod
    def _is_compressed_journal(file: disk.Found) -> bool:
        with Path(file.outside).open("rb") as journal:
            header = journal.read(16)
        return header[:8] == b"LPKSHHRH" and header[12] & _JOURNAL_COMPRESSED != 0

    def _stream_of(self, file: disk.Found, *command: str) -> None:
        """Search what a program of the box prints of a file."""
        with subprocess.Popen(
            ["chroot", str(self.box.root), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            self._stream(file, program.stdout)
            complaint = os.fsdecode(program.stderr.read(1000)).strip()
        is_whole = program.returncode == 0 or not Path(file.outside).exists()
        # A .zst that is none is searched as it is; a journal that cannot be read is a gap.
        if not is_whole and (command[0] == "journalctl" or program.returncode > 100):
            self.unreadable.append(f"{file.inside}: {command[0]}: {complaint}")

    def _stream(self, file: disk.Found, content: IO[bytes] | BufferedIOBase) -> None:
        overlap = 4 * max(len(needle.whole) for needle in self.wanted)
        tail = b""
        with content:
            while chunk := content.read(_CHUNK):
                tail += chunk
                self._note(file, tail, ", unpacked")
                tail = tail[-overlap:]


def _complained_of(complaints: str, batch: Sequence[disk.Found]) -> set[str]:
    """The files grep could not read. Raises RuntimeError when it had another complaint."""
    if not complaints:
        return set()
    names = {file.outside for file in batch if f"grep: {file.outside}: " in complaints}
    for line in complaints.splitlines():
        if not any(line.startswith(f"grep: {name}: ") for name in names):
            raise RuntimeError(line)
    return names
