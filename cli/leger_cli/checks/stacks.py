"""What leger is there for: the stacks."""

from leger_runtime.errors import LegerError

from leger_cli import convert
from leger_cli.checks.finding import Check, Finding, ok, problem, skipped
from leger_cli.checks.patient import Patient
from leger_cli.views import words

_BROKEN = ("failed", "unhealthy")


def stacks(patient: Patient) -> Finding:
    """Look whether the services of the stacks run."""
    found = patient.stacks
    if isinstance(found, LegerError):
        return skipped("The deployer service does not answer.")
    broken = [s for s in found.services if convert.state(s.state) in _BROKEN]
    if broken:
        named = [f"{s.service} is {convert.state(s.state)}: {s.why}".rstrip(": ") for s in broken]
        return problem(
            " ".join(f"{text.rstrip('.')}." for text in named),
            " ".join(f"`leger services logs {s.service}`" for s in broken),
        )
    return ok(words.counted(len(found.services), "service") + ", none of them failed")


CHECKS = (Check("stacks", stacks),)
