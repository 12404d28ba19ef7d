"""The anchor: what the store and the audit log had come to, kept outside of both.

Whoever puts an older database or a shorter audit log in the place of the one that was there would
otherwise not be noticed: each is whole in itself. The anchor is a file of two slots that are
written in turn, so that a slot torn by a loss of power leaves the one before it. A slot's HMAC is
made with a key that lies in the keyring alone.

Whoever puts back *everything* of an earlier moment, the anchor too, is not noticed. Only hardware
that counts could tell.
"""

import hmac
import logging
import os
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from leger_runtime import atomic
from leger_runtime.errors import reason_of

from leger_secrets.domain.sealing_errors import AnchorDamaged

log = logging.getLogger(__name__)

# Magic, sequence, generation, the audit log's last number and hash; the HMAC follows.
_SLOT = struct.Struct(">8sQQQ32s")
_MAGIC = b"leger\0a1"
_MAC_SIZE = 32
_SLOT_SIZE = _SLOT.size + _MAC_SIZE
# Apart by the largest sector there is, so that one torn write cannot touch both.
_OFFSETS = (0, 4096)
_NO_LINE = bytes(32)


class _State(NamedTuple):
    sequence: int
    generation: int
    audit_seq: int
    audit_digest: bytes


class Anchor:
    """Remembers the store's generation and the audit log's end. Safe for use by many threads.

    A note is not forced to the disk: it survives the end of this process in any way, and the system
    writes it within seconds. After a loss of power it may be those seconds old, never too new, as
    each note is made when what it notes is on the disk. Forcing it would double a write's time.
    """

    def __init__(self, *, path: Path, keys: Sequence[bytes]) -> None:
        """Open an anchor that one of the keys made; the first is used from now on.

        Raises AnchorDamaged, OSError.
        """
        self._path = path
        self._key = keys[0]
        self._lock = threading.Lock()
        self._failed = False
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise AnchorDamaged(path, "It is not there.") from None
        try:
            slots = [_decode(os.pread(self._descriptor, _SLOT_SIZE, at), keys) for at in _OFFSETS]
            valid = [slot for slot in slots if slot]
            if not valid:
                raise AnchorDamaged(path, "Neither of its two slots was made with the store's key.")
            if len(valid) < len(slots):
                log.warning("One slot of the anchor %s is torn; the other one counts.", path)
            self._state = max(valid)
        except BaseException:
            os.close(self._descriptor)
            raise

    @classmethod
    def create(cls, *, path: Path, key: bytes, generation: int) -> "Anchor":
        """Make an anchor of a store, in the place of what was there; it is on the disk then.

        It knows of no audit log yet. Raises OSError.
        """
        content = bytearray(_OFFSETS[-1] + _SLOT_SIZE)
        for sequence, offset in enumerate(_OFFSETS):
            slot = _encode(_State(sequence, generation, 0, _NO_LINE), key)
            content[offset : offset + _SLOT_SIZE] = slot
        atomic.write(path, bytes(content), mode=0o600)
        return cls(path=path, keys=[key])

    @property
    def generation(self) -> int:
        """The revision that the store has at least."""
        return self._state.generation

    def audit(self) -> tuple[int, str] | None:
        """Return the number and the hash (64 hexadecimal digits) of a line that the log must have.

        None when none was noted.
        """
        state = self._state
        return (state.audit_seq, state.audit_digest.hex()) if state.audit_seq else None

    def note_revision(self, revision: int) -> None:
        """Note that the store has this revision, durably. A lower one than before is ignored.

        Never raises: what is noted has happened already. A failing disk is logged.
        """
        with self._lock:
            if revision > self._state.generation:
                self._note(self._state._replace(generation=revision))

    def note_audit(self, seq: int, digest: str) -> None:
        """Note the last line of the audit log, which is on the disk: the latest call counts.

        Never raises, as `note_revision`.
        """
        with self._lock:
            self._note(self._state._replace(audit_seq=seq, audit_digest=bytes.fromhex(digest)))

    def sign_with(self, key: bytes) -> None:
        """Make both slots anew with another key; they are on the disk then. Raises OSError.

        Stopped in between, the anchor opens with the two keys together.
        """
        with self._lock:
            self._key = key
            for _ in _OFFSETS:
                self._write(self._state)
                os.fsync(self._descriptor)

    def close(self) -> None:
        """Force the last note to the disk and close the file. Notes that come later are lost."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor < 0:
                return
            try:
                os.fsync(descriptor)
            except OSError as error:
                self._report(error)
            finally:
                os.close(descriptor)

    def _note(self, state: _State) -> None:
        if self._descriptor < 0:
            return
        try:
            self._write(state)
            self._failed = False
        except OSError as error:
            self._state = state  # the next note carries it
            self._report(error)

    def _write(self, state: _State) -> None:
        self._state = state = state._replace(sequence=self._state.sequence + 1)
        offset = _OFFSETS[state.sequence % len(_OFFSETS)]
        os.pwrite(self._descriptor, _encode(state, self._key), offset)

    def _report(self, error: OSError) -> None:
        if not self._failed:
            log.error("The anchor %s cannot be written: %s.", self._path, reason_of(error))
        self._failed = True


def _encode(state: _State, key: bytes) -> bytes:
    content = _SLOT.pack(_MAGIC, *state)
    return content + hmac.digest(key, content, "sha256")


def _decode(slot: bytes, keys: Sequence[bytes]) -> _State | None:
    content, mac = slot[: _SLOT.size], slot[_SLOT.size :]
    if len(slot) != _SLOT_SIZE or content[: len(_MAGIC)] != _MAGIC:
        return None
    if not any(hmac.compare_digest(mac, hmac.digest(key, content, "sha256")) for key in keys):
        return None
    _, *fields = _SLOT.unpack(content)
    return _State(*fields)
