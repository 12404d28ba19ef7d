"""Asking `legerd`, which knows what leger has on this host where no service can say it."""

import json
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leger_runtime.errors import Kind, LegerError, RemoteError

from leger_cli.context import Scope
from leger_cli.errors import LegerdMissing

if TYPE_CHECKING:
    from leger_cli.context import Session

_PATIENCE = 15.0  # seconds; it asks podman, which waits for a lock of its own at times


class RootKeyMissing(LegerError):
    """There is a store, and not the root key that opens it: its service cannot start."""

    kind, reason = Kind.UNAVAILABLE, "STORE_KEY_MISSING"


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
    try:
        done = subprocess.run(
            ["legerd", *question, "--json"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            return _error(Kind(done.returncode), done.stderr)
        found: Mapping[str, Any] = json.loads(done.stdout)
    # It is not there, takes too long, was killed, or is something else than leger's.
    except (OSError, subprocess.SubprocessError, ValueError):
        return LegerdMissing()
    return found


def _error(kind: Kind, text: str) -> LegerError:
    """Return an error of leger's from its lines on standard error (leger_runtime.errors.as_text).

    Its reason is not among them. Raises ValueError for anything else.
    """
    what, why, *_, next_step = text.splitlines()
    return RemoteError(
        what.removeprefix("error: "),
        why=why.strip(),
        next_step=next_step.strip().removeprefix("→ "),
        kind=kind,
        reason=kind.name,
    )
