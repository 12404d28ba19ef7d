"""What `leger doctor` found."""

from collections.abc import Sequence

from leger_cli.checks.finding import Finding, Verdict
from leger_cli.shapes import doctor as shapes


def diagnosis(found: Sequence[tuple[str, Finding]]) -> shapes.Diagnosis:
    """Return the findings with the worst of their verdicts."""
    verdicts = [finding.verdict for _, finding in found]
    worst = (v for v in (Verdict.PROBLEM, Verdict.WARNING) if v in verdicts)
    return {
        "verdict": next(worst, Verdict.OK).value,
        "checks": [
            {
                "check": title,
                "verdict": finding.verdict.value,
                "why": finding.why,
                "fix": finding.fix or None,
            }
            for title, finding in found
        ],
    }
