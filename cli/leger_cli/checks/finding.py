"""What a check finds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from leger_runtime.errors import Kind

if TYPE_CHECKING:
    from leger_runtime.errors import LegerError

    from leger_cli.checks.patient import Patient


class Verdict(Enum):
    """How bad it is, the worst last."""

    OK = "ok"
    SKIPPED = "skipped"  # it cannot be looked at: something else is in the way
    WARNING = "warning"  # it works, and is not as it should be
    PROBLEM = "problem"  # it does not work


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One verdict with its reason, in sentences or a few words, and what to do about it.

    `kind` is what sort of failure a problem is.
    """

    verdict: Verdict
    why: str
    fix: str = ""
    kind: Kind = Kind.UNAVAILABLE


class Check(NamedTuple):
    """What is looked at, in a word or two, and how. None is found where it does not apply."""

    title: str
    look: "Callable[[Patient], Finding | None]"


def ok(why: str) -> Finding:
    """Return that all is well, and what there is."""
    return Finding(verdict=Verdict.OK, why=why)


def warning(why: str, fix: str) -> Finding:
    """Return that something is not as it should be."""
    return Finding(verdict=Verdict.WARNING, why=why, fix=fix)


def problem(why: str, fix: str) -> Finding:
    """Return that something does not work."""
    return Finding(verdict=Verdict.PROBLEM, why=why, fix=fix)


def skipped(why: str) -> Finding:
    """Return that it could not be looked at."""
    return Finding(verdict=Verdict.SKIPPED, why=why)


def of_error(error: "LegerError") -> Finding:
    """Return a failure as a problem."""
    return problem(str(error), error.next_step)
