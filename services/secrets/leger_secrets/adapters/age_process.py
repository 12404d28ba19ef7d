"""age in a process of its own, so that the service goes on answering meanwhile.

The functions are those of `age`. What they are given and what they answer passes through pipes
alone, and the memory that held it ends with the process.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from leger_runtime.errors import InternalError, place, reason_of

from leger_secrets.adapters import age, process
from leger_secrets.adapters.age import check_recipient
from leger_secrets.domain.backup_errors import (
    BackupInvalid,
    BackupLocked,
    BackupUnavailable,
    KeyKind,
)
from leger_secrets.domain.backup_file import Keys
from leger_secrets.domain.value import SecretValue

__all__ = ["check_recipient", "decrypt", "encrypt", "encrypt_with", "serve"]

# The caller's own search path: its launcher may have set it up by itself.
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from leger_secrets.adapters import age_process; age_process.serve()"
)
_FAILED = "The backup could not be encrypted or opened."
_one_at_a_time = threading.Lock()  # each takes several times the backup's size in memory
# In seconds: ten times what the largest store takes on a small machine. Nobody waits for ever.
_PATIENCE = 600.0


def encrypt(document: bytes, recipients: Sequence[str]) -> bytes:
    """Return a file that each of the recipients, which were checked, can open.

    Raises BackupUnavailable.
    """
    return _call("encrypt", document, *(recipient.encode() for recipient in recipients))


def encrypt_with(document: bytes, passphrase: SecretValue) -> bytes:
    """Return a file that the passphrase, of UTF-8, opens. Raises BackupUnavailable."""
    return _call("encrypt_with", document, passphrase.reveal())


def decrypt(file: bytes, keys: Keys) -> bytes:
    """Return what is in the file, all of it.

    Raises BackupLocked, BackupInvalid, BackupUnavailable.
    """
    return _call("decrypt", file, *(b"" if key is None else key.reveal() for key in keys))


def serve() -> None:
    """Do the one thing that is asked for on standard input: the whole life of the process."""
    process.harden()
    with suppress(OSError):  # if memory runs out, this process is to go, not the service
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    work, content, *arguments = _unpacked(sys.stdin.buffer.read())
    try:
        answer = _packed(b"done", _WORK[work.decode()](content, arguments))
    except BackupLocked as error:
        answer = _packed(b"locked", error.needs.value.encode(), b"tried" if error.tried else b"")
    except BackupInvalid as error:
        answer = _packed(b"invalid", error.why.encode())
    except Exception as error:  # the boundary: its text could hold what must not get out
        answer = _packed(b"defect", f"{type(error).__name__} at {place(error)}".encode())
    sys.stdout.buffer.write(answer)


_WORK: dict[str, Callable[[bytes, Sequence[bytes]], bytes]] = {
    "encrypt": lambda document, recipients: age.encrypt(document, [r.decode() for r in recipients]),
    "encrypt_with": lambda document, given: age.encrypt_with(document, SecretValue(given[0])),
    "decrypt": lambda file, keys: age.decrypt(
        file, Keys(*(SecretValue(key) if key else None for key in keys))
    ),
}


def _call(work: str, content: bytes, *arguments: bytes) -> bytes:
    try:
        with _one_at_a_time:
            done = subprocess.run(
                [sys.executable, "-IS", "-c", _START, *sys.path],
                input=_packed(work.encode(), content, *arguments),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback's last line could hold a value
                env={},
                check=False,
                timeout=_PATIENCE,
            )
    except subprocess.TimeoutExpired:
        raise BackupUnavailable(
            _FAILED, f"The process that does it did not end within {_PATIENCE:.0f} s."
        ) from None
    except OSError as error:
        raise BackupUnavailable(
            _FAILED, f"The process that does it cannot be made: {reason_of(error)}."
        ) from None
    if done.returncode != 0:
        ending = f"signal {-done.returncode}" if done.returncode < 0 else f"{done.returncode}"
        raise BackupUnavailable(
            _FAILED, f"The process that does it ended with {ending}, probably for lack of memory."
        )
    outcome, *answer = _unpacked(done.stdout)
    match outcome:
        case b"done":
            return answer[0]
        case b"locked":
            raise BackupLocked(KeyKind(answer[0].decode()), tried=bool(answer[1]))
        case b"invalid":
            raise BackupInvalid(answer[0].decode())
        case _:
            raise InternalError(
                _FAILED,
                why=f"The process that does it hit a defect: {answer[0].decode()}.",
                next_step="Report it with the service's journal; nothing was changed.",
            )


def _packed(*parts: bytes) -> bytes:
    """Return the parts as one: each behind its length."""
    return b"".join(piece for part in parts for piece in (len(part).to_bytes(8), part))


def _unpacked(packed: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(packed):
        start = at + 8
        at = start + int.from_bytes(packed[at:start])
        parts.append(packed[start:at])
    return parts
