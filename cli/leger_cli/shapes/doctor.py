"""What is wrong, as `--json` prints it."""

from typing import TypedDict


class CheckResult(TypedDict):
    """One thing that was looked at."""

    check: str  # stable, such as "audit log"
    verdict: str  # "ok", "skipped", "warning" or "problem"
    why: str
    fix: str | None


class Diagnosis(TypedDict):
    """All that was looked at, in the order in which it is to be mended."""

    verdict: str  # the worst: "ok", "warning" or "problem"
    checks: list[CheckResult]
