"""Services of stacks, as they are now."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leger_cli import convert, output
from leger_cli.output import Cell, Tone
from leger_cli.views import ports, words

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import ServiceStatus

_TONES = {
    "running": Tone.GOOD,
    "starting": Tone.CAUTION,
    "unhealthy": Tone.BAD,
    "failed": Tone.BAD,
    "stopped": Tone.FAINT,
}
_NONE: Cell = ("-", Tone.FAINT)


def status(services: "Sequence[ServiceStatus]") -> None:
    """Write what a person asks first: is it up, where is it, and if not, why."""
    if not services:
        # Not "no stack": one of templates or networks alone has no service to show.
        output.remark(
            "No stack has a service here.\n→ leger deploy list, or leger deploy install DIR"
        )
        return
    now = time.time()
    output.table(
        ("STACK", "SERVICE", "PORT", "PUBLISHED", "STATE", "REQUIRES"),
        [
            (
                service.stack,
                service.service,
                "\n".join(map(ports.container_side, service.ports)) or _NONE,
                "\n".join(map(ports.host_side, service.ports)) or _NONE,
                _state(service, now),
                ", ".join(service.requires) or _NONE,
            )
            for service in services
        ],
    )
    _reasons(services)


def details(services: "Sequence[ServiceStatus]") -> None:
    """Write what an operator of services asks: unit, restarts, image."""
    if not services:
        output.remark("No service is installed.\n→ leger deploy install DIR")
        return
    now = time.time()
    output.table(
        ("SERVICE", "STACK", "UNIT", "STATE", "RESTARTS", "IMAGE"),
        [
            (
                service.service,
                service.stack,
                service.unit,
                _state(service, now),
                str(service.restarts),
                service.image or _NONE,
            )
            for service in services
        ],
    )
    _reasons(services)


def _state(service: "ServiceStatus", now: float) -> Cell:
    word = convert.state(service.state)
    text = word
    if service.HasField("since"):
        text = f"{word} {words.age(now - service.since.ToNanoseconds() / 1e9)}"
    return text, _TONES.get(word, Tone.CAUTION)


def _reasons(services: "Sequence[ServiceStatus]") -> None:
    for service in services:
        word = convert.state(service.state)
        if word == "running" or not service.why:
            continue
        restarts = words.counted(service.restarts, "restart")
        after = f" after {restarts}" if service.restarts else ""
        output.line()
        output.paragraph(
            f"{service.service} is {word}{after}: {service.why}",
            mark="!",
            tone=_TONES.get(word, Tone.CAUTION),
        )
        if word in {"failed", "unhealthy"}:
            output.line(f"  → leger services logs {service.service}")
