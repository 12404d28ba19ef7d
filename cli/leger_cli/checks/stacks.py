"""What leger is there for: the stacks."""

from leger_runtime.errors import LegerError

from leger_cli import convert, starting
from leger_cli.checks.finding import Check, Finding, ok, problem, skipped
from leger_cli.checks.patient import Patient
from leger_cli.errors import StoreSealed
from leger_cli.views import words

_BROKEN = ("failed", "unhealthy")


def stacks(patient: Patient) -> Finding:
    """Look whether the services of the stacks run."""
    found = patient.stacks
    if isinstance(found, LegerError):
        return skipped("The deployer service does not answer.")
    broken = [s for s in found.services if convert.state(s.state) in _BROKEN]
    if not broken:
        return ok(words.counted(len(found.services), "service") + ", none of them failed")
    named = [f"{s.service} is {convert.state(s.state)}: {s.why}".rstrip(": ") for s in broken]
    # The deployer names the command where a unit has but to ask for its secrets again.
    again = [s.unit for s in broken if f"`leger services start {s.service}`" in s.why]
    to_start = starting.down_with([*_refused_by_the_seal(patient), *again], found.services)
    commands = [f"leger services start {' '.join(to_start)}"] if to_start else []
    commands += [f"leger services logs {s.service}" for s in broken if s.service not in to_start]
    return problem(
        " ".join(f"{text.rstrip('.')}." for text in named),
        " ".join(f"`{command}`" for command in commands),
    )


def _refused_by_the_seal(patient: Patient) -> list[str]:
    """Return the units that a sealed store was in the way of, where it is open now."""
    store, found = patient.store, patient.refusals
    if isinstance(store, LegerError) or isinstance(found, LegerError) or store.sealed:
        return []
    return [refusal.unit for refusal in found.refusals if refusal.reason == StoreSealed.reason]


CHECKS = (Check("stacks", stacks),)
