"""What is kept of a generation and of an intent: JSON, readable by a person."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from leger_deployer.domain.intent import Intent, Operation
from leger_deployer.domain.published_port import PublishedPort
from leger_deployer.domain.stack import Generation, SecretUse, StackUnit, UnitKind

_FORMAT = 1


def of_generation(generation: Generation) -> bytes:
    """Return the record of a generation."""
    return _encoded(_generation(generation))


def to_generation(content: bytes) -> Generation:
    """Return the generation of a record. Raises ValueError, KeyError or TypeError for no record."""
    return _to_generation(_decoded(content))


def of_intent(intent: Intent) -> bytes:
    """Return the record of an intent."""
    return _encoded(
        {
            "operation": intent.operation.value,
            "doomed_volumes": list(intent.doomed_volumes),
            "generation": _generation(intent.generation),
        }
    )


def to_intent(content: bytes) -> Intent:
    """Return the intent of a record. Raises as `to_generation`."""
    record = _decoded(content)
    return Intent(
        operation=Operation(record["operation"]),
        generation=_to_generation(record["generation"]),
        doomed_volumes=tuple(record["doomed_volumes"]),
    )


def _encoded(record: dict[str, Any]) -> bytes:
    return (json.dumps({"format": _FORMAT, **record}, indent=2) + "\n").encode()


def _decoded(content: bytes) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(content)
    if record["format"] != _FORMAT:
        raise ValueError(f"a record of format {record['format']}")
    return record


def _generation(generation: Generation) -> dict[str, Any]:
    return {
        "stack": generation.stack,
        "number": generation.number,
        "apply_time": generation.apply_time.isoformat(),
        "units": [{**asdict(unit), "kind": unit.kind.value} for unit in generation.units],
        "secrets": [asdict(use) for use in generation.secrets],
    }


def _to_generation(record: dict[str, Any]) -> Generation:
    return Generation(
        stack=record["stack"],
        number=record["number"],
        apply_time=datetime.fromisoformat(record["apply_time"]),
        units=tuple(_unit(unit) for unit in record["units"]),
        secrets=tuple(SecretUse(**use) for use in record["secrets"]),
    )


def _unit(record: dict[str, Any]) -> StackUnit:
    lists = {name: tuple(record[name]) for name in ("requires", "volumes", "subnets")}
    ports = tuple(PublishedPort(**port) for port in record["ports"])
    return StackUnit(**{**record, **lists, "kind": UnitKind(record["kind"]), "ports": ports})
