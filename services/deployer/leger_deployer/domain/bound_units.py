"""The units that get a secret, and what they were last handed of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from leger_deployer.domain import installed
from leger_deployer.domain.ports.secret_versions import SecretVersions, Served
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitManager
from leger_deployer.domain.secret_options import SecretType
from leger_deployer.domain.unit_name import template_of


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Those that run, in the order of their start, and those that do not, sorted.

    A template stands among the latter when none of its instances runs. `in_environment` says that
    one of them gets it as an environment variable.
    """

    running: tuple[str, ...]
    not_running: tuple[str, ...]
    in_environment: bool


@dataclass(frozen=True, kw_only=True)
class BoundUnits:
    """Looks up which units are bound to a secret, and what they were handed."""

    files: StackFiles
    units: UnitManager
    versions: SecretVersions

    def of(self, secret: str) -> Bound:
        """Return the units that are bound to a secret."""
        bound = {unit.unit for unit in self.versions.bound(secret)}
        services = [
            name
            for name in installed.services(self.files, self.units)
            if name in bound or template_of(name) in bound
        ]
        states = self.units.states(services)
        running = [name for name in services if states[name].is_running]
        served = {*running, *map(template_of, running)}
        return Bound(
            running=tuple(running),
            not_running=tuple(sorted(bound - served)),
            in_environment=any(
                use.secret == secret and use.type == SecretType.ENV.value
                for stack in installed.all_stacks(self.files)
                for use in stack.secrets
            ),
        )

    def served(self, secret: str) -> Mapping[str, Served]:
        """Return what each unit was last handed, as far as that is known."""
        return {
            unit: served
            for bound in self.versions.bound(secret)
            for unit, served in bound.served.items()
        }
