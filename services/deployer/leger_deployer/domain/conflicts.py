"""What a stack wants and somebody else has: units, ports, containers, volumes, networks."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leger_deployer.domain.errors import PortInUse, ResourceConflict, UnitConflict
from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.listening_sockets import listening
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.host_commands import HostCommands
from leger_deployer.domain.ports.unit_manager import UnitManager
from leger_deployer.domain.stack import Generation, StackUnit, UnitKind


@dataclass(frozen=True, kw_only=True)
class Conflicts:
    """Looks for conflicts between a stack that is to come and what is on the host."""

    units: UnitManager
    engine: ContainerEngine
    commands: HostCommands

    def check(
        self,
        wanted: Sequence[StackUnit],
        installed: Sequence[Generation],
        others: Sequence[GeneratedUnit],
    ) -> list[str]:
        """Return what is worth knowing though it is no conflict.

        `installed` are the other stacks, `others` the units of all other Quadlets of the host,
        which systemd may not have read yet. Raises UnitConflict, PortInUse or ResourceConflict,
        each naming every conflict of its sort.
        """
        self._check_units(wanted, {unit.name: str(unit.source) for unit in others})
        self._check_ports(wanted, installed)
        self._check_names(wanted, installed)
        self._check_networks(wanted)
        return self._kept_volumes(wanted, installed)

    def _check_units(self, wanted: Sequence[StackUnit], quadlets: Mapping[str, str]) -> None:
        states = self.units.states(unit.unit for unit in wanted)
        found = [
            f"{unit.file} becomes {unit.unit}, which is there already"
            f"{_from(states[unit.unit].source or quadlets.get(unit.unit, ''))}."
            for unit in wanted
            if states[unit.unit].exists or unit.unit in quadlets
        ]
        if found:
            raise UnitConflict(
                "The host has a unit of a name that the stack needs.",
                why=" ".join(found),
                next_step="Rename the Quadlet, or give it another name with ServiceName=.",
            )

    def _check_ports(self, wanted: Sequence[StackUnit], installed: Sequence[Generation]) -> None:
        taken = [(socket, "") for socket in listening(self.commands)]
        taken += [
            (port, f"{unit.unit} of the stack {generation.stack}")
            for generation in installed
            for unit in generation.units
            for port in unit.ports
        ]
        found = []
        for unit in wanted:
            for port in dict.fromkeys(unit.ports):
                # A stack's own name for the holder is more telling than "a process".
                holders = [holder for other, holder in taken if port.overlaps(other)]
                if holders:
                    holder = max(holders) or "a process on the host"
                    found.append(f"{port.socket}, which {unit.unit} wants, is taken by {holder}.")
                taken.append((port, f"{unit.unit} of this stack"))
        if found:
            raise PortInUse(
                "A port that the stack publishes is in use.",
                why=" ".join(found),
                next_step="Publish another port with PublishPort=, or stop what uses this one"
                " (`ss -lntup` shows it).",
            )

    def _check_names(self, wanted: Sequence[StackUnit], installed: Sequence[Generation]) -> None:
        found = []
        owners = {
            (_namespace(unit.kind), unit.resource): generation.stack
            for generation in installed
            for unit in generation.units
            if unit.resource
        }
        containers = self.engine.containers()
        seen: dict[tuple[str, str], str] = {}
        for unit in wanted:
            if not unit.resource:
                continue
            key = (_namespace(unit.kind), unit.resource)
            subject = f"The {key[0]} {unit.resource}, which {unit.unit} makes,"
            if owner := owners.get(key):
                found.append(f"{subject} belongs to the stack {owner}.")
            elif key[0] == "container" and unit.resource in containers:
                found.append(f"{subject} is there already.")
            elif key in seen:
                found.append(f"{subject} is made by {seen[key]} too.")
            seen[key] = unit.unit
        if found:
            raise ResourceConflict(
                "The host has something of a name that the stack needs.",
                why=" ".join(found),
                next_step="Name it otherwise: ContainerName=, PodName=, VolumeName= or"
                " NetworkName=.",
            )

    def _check_networks(self, wanted: Sequence[StackUnit]) -> None:
        makers = [unit for unit in wanted if unit.kind is UnitKind.NETWORK]
        if not makers:
            return
        existing = self.engine.networks()
        names = {network.name for network in existing}
        found = [
            f"The network {unit.resource}, which {unit.unit} makes, is there already."
            for unit in makers
            if unit.resource in names
        ]
        taken = [(s, f"the network {n.name}'s") for n in existing for s in n.subnets]
        for unit in makers:
            for subnet in unit.subnets:
                holder = next((who for other, who in taken if _overlap(subnet, other)), "")
                if holder and unit.resource not in names:
                    found.append(f"The subnet {subnet}, which {unit.unit} wants, is {holder}.")
                taken.append((subnet, f"{unit.unit}'s"))
        if found:
            raise ResourceConflict(
                "The host has a network that is in the way.",
                why=" ".join(found),
                next_step="Choose another NetworkName= or Subnet=, or remove what is in the way:"
                " `podman network rm NAME`.",
            )

    def _kept_volumes(
        self, wanted: Sequence[StackUnit], installed: Sequence[Generation]
    ) -> list[str]:
        names = {volume for unit in wanted for volume in unit.volumes}
        names |= {u.resource for u in wanted if u.kind is UnitKind.VOLUME and u.resource}
        if not names:
            return []
        shared = {volume: generation.stack for generation in installed
                  for volume in generation.volumes}  # fmt: skip
        return [
            f"The volume {name} is shared with the stack {shared[name]}."
            if name in shared
            else f"The volume {name} exists, and is used with the data that it holds."
            for name in sorted(names & self.engine.volumes())
        ]


def _namespace(kind: UnitKind) -> str:
    """Return the word for the names among which podman wants each only once."""
    # A pod and a container cannot have one name.
    return "container" if kind is UnitKind.POD else kind.value


def _from(source: str) -> str:
    return f" (from {source})" if source else ""


def _overlap(one: str, other: str) -> bool:
    try:
        first, second = ipaddress.ip_network(one, strict=False), ipaddress.ip_network(other)
    except ValueError:
        return False  # podman will say what is wrong with it
    return first.version == second.version and first.overlaps(second)
