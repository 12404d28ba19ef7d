"""Asking `legerd`, which knows what leger has on this host where no service can say it."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leger_runtime.errors import Kind, LegerError, RemoteError, reason_of

from leger_cli.context import Scope
from leger_cli.errors import LegerdMissing

if TYPE_CHECKING:
    from leger_cli.context import Session

_PATIENCE = 15.0  # seconds; it asks podman, which waits for a lock of its own at times
# As leger_runtime.errors.as_text begins the first line of an error, and its last.
_ERROR, _NEXT_STEP = "error: ", "  → "


class RootKeyMissing(LegerError):
    """There is a store, and not the root key that opens it: its service cannot start."""

    kind, reason = Kind.UNAVAILABLE, "STORE_KEY_MISSING"


class LegerdSilent(LegerError):
    """The program that knows about this host's leger is there, and does not answer."""

    kind, reason = Kind.UNAVAILABLE, "LEGERD_SILENT"


def speaks_for(session: "Session") -> bool:
    """Tell whether `legerd` of this account works on the session's scope."""
    return (session.scope is Scope.SYSTEM) == (session.account.uid == 0)


def status() -> Mapping[str, Any] | LegerError:
    """Return what `legerd status` says, or why it says nothing."""
    return _ask("status")


def key_status() -> Mapping[str, Any] | LegerError:
    """Return what `legerd key status` says, or why it says nothing.

    RootKeyMissing where the store needs a key that is not there.
    """
    found = _ask("key", "status")
    # Of all that keeps it from an answer, this alone is a conflict.
    if isinstance(found, LegerError) and found.kind is Kind.CONFLICT:
        return RootKeyMissing(found.what, why=found.why, next_step=found.next_step)
    return found


def _ask(*question: str) -> Mapping[str, Any] | LegerError:
    command = ["legerd", *question]
    try:
        done = subprocess.run(
            [*command, "--json"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            # Whatever the terminal's encoding: an error has an arrow in it.
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
    except FileNotFoundError:
        return LegerdMissing()
    except subprocess.TimeoutExpired:
        return _silent(command, f"It said nothing within {_PATIENCE:g} s.")
    except OSError as error:
        return _silent(command, f"It cannot be run: {reason_of(error)}.")
    if done.returncode < 0:
        return _silent(command, f"It was killed by signal {-done.returncode}.")
    try:
        return _error(done.returncode, done.stderr) if done.returncode else _answer(done.stdout)
    except ValueError:
        why = f"What it printed cannot be read (exit code {done.returncode})."
        return _silent(command, why)


def _silent(command: Sequence[str], why: str) -> LegerdSilent:
    return LegerdSilent("legerd did not answer.", why=why, next_step=f"Run `{' '.join(command)}`.")


def _answer(text: str) -> Mapping[str, Any]:
    """Return the JSON object that a text is. Raises ValueError for anything else."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError
    return found


def _error(code: int, text: str) -> LegerError:
    """Return an error of leger's from its lines on standard error (leger_runtime.errors.as_text).

    Its reason is not among them. Raises ValueError for anything else.
    """
    kind = Kind(code)
    what, why, *_, next_step = text.splitlines()
    if not (what.startswith(_ERROR) and next_step.startswith(_NEXT_STEP)):
        raise ValueError
    return RemoteError(
        what.removeprefix(_ERROR),
        why=why.strip(),
        next_step=next_step.removeprefix(_NEXT_STEP).strip(),
        kind=kind,
        reason=kind.name,
    )
