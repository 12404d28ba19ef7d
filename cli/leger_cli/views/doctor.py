"""What the checks found."""

import sys
from collections.abc import Sequence

from leger_cli import output
from leger_cli.checks.finding import Finding, Verdict
from leger_cli.output import Tone
from leger_cli.views import words

_MARKS = {
    Verdict.OK: ("✓", Tone.GOOD),
    Verdict.SKIPPED: ("-", Tone.FAINT),
    Verdict.WARNING: ("!", Tone.CAUTION),
    Verdict.PROBLEM: ("✗", Tone.BAD),
}


def diagnosis(found: Sequence[tuple[str, Finding]]) -> None:
    """Write a table at a terminal, else a line a check; below each what to do about it."""
    if output.is_terminal(sys.stdout):
        output.table(
            ("", "CHECK", "FINDING"),
            [(_MARKS[finding.verdict], title, _with_fix(finding)) for title, finding in found],
            unwrapped=("CHECK",),
        )
    else:
        for title, finding in found:
            output.line(f"{finding.verdict.value}: {title}: {finding.why}")
            if finding.fix:
                output.line(f"  → {finding.fix}")
    verdicts = [finding.verdict for _, finding in found]
    output.remark(_sum(verdicts.count(Verdict.PROBLEM), verdicts.count(Verdict.WARNING)))


def _with_fix(finding: Finding) -> str:
    return f"{finding.why}\n→ {finding.fix}" if finding.fix else finding.why


def _sum(problems: int, warnings: int) -> str:
    if not problems and not warnings:
        return "All is well."
    counts = [(problems, "problem"), (warnings, "warning")]
    said = ", ".join(words.counted(count, noun) for count, noun in counts if count)
    return f"{said}."
