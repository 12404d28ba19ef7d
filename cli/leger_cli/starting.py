"""Which services are to be started again, once what kept some of them from it is mended."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import ServiceStatus


def down_with(units: Collection[str], services: "Sequence[ServiceStatus]") -> list[str]:
    """Return those of the units' services that are down, and what is down that requires them.

    By the services' names, each after those that it requires. A unit that no stack has now, or of
    which none is known to be down, is left out.
    """
    from leger.deployer.v1.deployer_pb2 import SERVICE_STATE_FAILED, SERVICE_STATE_STOPPED

    down = {
        service.service: service
        for service in services
        if service.state in (SERVICE_STATE_FAILED, SERVICE_STATE_STOPPED)
    }
    wanted = {name for name, service in down.items() if service.unit in units}
    while (
        more := {name for name, service in down.items() if wanted.intersection(service.requires)}
        - wanted
    ):
        wanted |= more
    ordered: dict[str, None] = {}

    def add(name: str, on_the_way: frozenset[str]) -> None:
        for required in sorted(down[name].requires):
            if required in wanted and required not in on_the_way:
                add(required, on_the_way | {required})
        ordered[name] = None

    for name in sorted(wanted):
        add(name, frozenset({name}))
    return list(ordered)
