"""A plan, before it is carried out."""

import shlex
from typing import TYPE_CHECKING

from leger_cli import convert, output
from leger_cli.output import Tone
from leger_cli.views import ports, words

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import Plan, PlannedUnit


def show(plan: "Plan") -> None:
    """Write the units in the order in which they start, the secrets, files and warnings."""
    output.line(f"{_strong('Stack')} {plan.stack}")
    output.line()
    output.line(f"{_strong('Units')}, in the order in which they start:")
    built = {unit.image for unit in plan.units if convert.kind(unit.kind) == "build"}
    wide = max((len(unit.unit) for unit in plan.units), default=0)
    for number, unit in enumerate(plan.units, 1):
        output.line(f"{number:3}. {unit.unit:{wide}}  {_faint(convert.kind(unit.kind))}")
        for label, text in _facts(unit, built):
            output.line(f"     {_faint(f'{label:10}')} {text}")
    _secrets(plan)
    if plan.assets:
        output.line()
        output.line(_strong("Files:"))
        output.paragraph(f"  {', '.join(plan.assets)}")
    _warnings(plan)


def verdict(plan: "Plan") -> None:
    """Write that nothing speaks against the plan, and what is still to be done."""
    contents = (
        words.counted(len(plan.units), "unit"),
        words.counted(len({use.secret for use in plan.secrets}), "secret"),
        words.counted(len(plan.assets), "other file"),
    )
    output.paragraph(f"{plan.stack} is valid: {', '.join(contents)}", mark="✓", tone=Tone.GOOD)
    for name in missing_secrets(plan):
        output.line(f"  not stored yet → leger secrets put {shlex.quote(name)}")
    _warnings(plan)


def missing_secrets(plan: "Plan") -> list[str]:
    """Return the names of secrets that have to be stored before the plan can be carried out."""
    return sorted({use.secret for use in plan.secrets if not use.stored})


def _facts(unit: "PlannedUnit", built: set[str]) -> list[tuple[str, str]]:
    facts = []
    if unit.image:
        absent = "will be built" if unit.image in built else "will be pulled"
        here = "on this host" if unit.image_present else absent
        tone = Tone.FAINT if unit.image_present else Tone.CAUTION
        facts.append(("image", f"{unit.image} {output.paint(f'({here})', tone)}"))
    facts += [
        ("published", f"{ports.host_side(port)} → {ports.container_side(port)}")
        for port in unit.ports
    ]
    if unit.requires:
        facts.append(("requires", ", ".join(unit.requires)))
    if unit.waits_for_health:
        facts.append(("waits", "until its health check passes"))
    return facts


def _secrets(plan: "Plan") -> None:
    if not plan.secrets:
        return
    output.line()
    output.line(_strong("Secrets:"))
    stored = {use.secret: use.stored for use in plan.secrets}
    for name in sorted(stored):
        mark = output.paint("✓", Tone.GOOD) if stored[name] else output.paint("✗", Tone.BAD)
        to_do = "" if stored[name] else f"  not stored → leger secrets put {shlex.quote(name)}"
        output.line(f"  {mark} {name}{to_do}")
        for use in plan.secrets:
            if use.secret == name:
                how = "as" if use.type == "env" else "at"
                output.line(_faint(f"      {use.unit} {how} {use.target}"))


def _warnings(plan: "Plan") -> None:
    if plan.warnings:
        output.line()
    for warning in plan.warnings:
        output.paragraph(warning, mark="! warning:", tone=Tone.CAUTION)


def _strong(text: str) -> str:
    return output.paint(text, Tone.STRONG)


def _faint(text: str) -> str:
    return output.paint(text, Tone.FAINT)
