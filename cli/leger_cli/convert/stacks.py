"""Stacks and their services."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from leger_cli.convert.moments import optional_time
from leger_cli.shapes import stacks as shapes

if TYPE_CHECKING:
    from leger.deployer.v1 import deployer_pb2 as deployer


def plan(planned: "deployer.Plan") -> shapes.Plan:
    """Return a plan; its id is of no use once the command has ended."""
    return {
        "stack": planned.stack,
        "units": [
            {
                "file": unit.file,
                "unit": unit.unit,
                "kind": kind(unit.kind),
                "image": unit.image,
                "image_present": unit.image_present,
                "ports": _ports(unit.ports),
                "requires": list(unit.requires),
                "waits_for_health": unit.waits_for_health,
            }
            for unit in planned.units
        ],
        "secrets": [
            {
                "unit": use.unit,
                "secret": use.secret,
                "type": use.type,
                "target": use.target,
                "stored": use.stored,
            }
            for use in planned.secrets
        ],
        "assets": list(planned.assets),
        "warnings": list(planned.warnings),
    }


def applied(result: "deployer.ApplyResult") -> shapes.Applied:
    """Return what an apply brought about."""
    return {
        "stack": result.stack,
        "generation": result.generation,
        "services": services(result.services),
    }


def removed(result: "deployer.RemoveResult") -> shapes.Removed:
    """Return what a removal did and left."""
    return {
        "stack": result.stack,
        "stopped_units": list(result.stopped_units),
        "kept_volumes": list(result.kept_volumes),
        "deleted_volumes": list(result.deleted_volumes),
    }


def stack(installed: "deployer.Stack") -> shapes.Stack:
    """Return an installed stack."""
    return {
        "name": installed.name,
        "generation": installed.generation,
        "apply_time": optional_time(installed, "apply_time"),
        "units": list(installed.units),
        "volumes": list(installed.volumes),
    }


def services(statuses: "Iterable[deployer.ServiceStatus]") -> list[shapes.Service]:
    """Return services as they are now."""
    return [
        {
            "stack": status.stack,
            "service": status.service,
            "unit": status.unit,
            "state": state(status.state),
            "ports": _ports(status.ports),
            "requires": list(status.requires),
            "since": optional_time(status, "since"),
            "why": status.why,
            "restarts": status.restarts,
            "image": status.image,
        }
        for status in statuses
    ]


def log_line(entry: "deployer.StreamLogsResponse") -> shapes.LogLine:
    """Return one line of a journal."""
    return {"time": optional_time(entry, "time"), "source": entry.source, "message": entry.message}


def kind(value: "deployer.UnitKind.ValueType") -> str:
    """Return the word for a unit's kind, such as "container"."""
    from leger.deployer.v1 import deployer_pb2

    return deployer_pb2.UnitKind.Name(value).removeprefix("UNIT_KIND_").lower()


def state(value: "deployer.ServiceState.ValueType") -> str:
    """Return the word for a service's state, such as "running"."""
    from leger.deployer.v1 import deployer_pb2

    return deployer_pb2.ServiceState.Name(value).removeprefix("SERVICE_STATE_").lower()


def _ports(published: "Iterable[deployer.PublishedPort]") -> list[shapes.Port]:
    return [
        {
            "host_address": port.host_address,
            "host_port": port.host_port,
            "container_port": port.container_port,
            "protocol": port.protocol,
        }
        for port in published
    ]
