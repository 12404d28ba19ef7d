"""Checking a staged stack against the host, and saying what applying it would do."""

import secrets
import threading
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from leger_runtime.errors import FieldViolation

from leger_deployer.domain import drop_in, installed, unit_order
from leger_deployer.domain.conflicts import Conflicts
from leger_deployer.domain.description import Description, describe
from leger_deployer.domain.errors import PlanNotFound, StackExists, StagedNotFound
from leger_deployer.domain.plan_warnings import warnings
from leger_deployer.domain.podman_command import PodmanCommand
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitManager
from leger_deployer.domain.preflight import check_podman
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.quadlet_generator import Generated, QuadletGenerator, invalid
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.secret_options import SecretType
from leger_deployer.domain.stack import SecretUse, StackUnit, UnitKind
from leger_deployer.domain.staging import Staged, Staging

_KEPT_PLANS = 100


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What applying a staged stack would do; units in the order in which they start."""

    plan_id: str
    staged: Staged
    units: tuple[StackUnit, ...]
    secrets: tuple[SecretUse, ...]
    stored: frozenset[str]
    images_present: frozenset[str]
    warnings: tuple[str, ...]

    @property
    def missing_secrets(self) -> tuple[str, ...]:
        """The secrets that are named and not stored, sorted."""
        return tuple(sorted({use.secret for use in self.secrets} - self.stored))

    def agrees_with(self, other: "Plan") -> bool:
        """Whether both would do the same; what may come and go by itself does not count."""
        return self._essence == other._essence

    @property
    def _essence(self) -> tuple[object, ...]:
        # A health check may come from an image that was not there yet.
        units = tuple(replace(unit, healthy_within=0.0) for unit in self.units)
        return units, self.secrets, self.staged.assets


class Planner:
    """Makes plans and keeps them until they are applied."""

    def __init__(
        self,
        *,
        staging: Staging,
        files: StackFiles,
        generator: QuadletGenerator,
        conflicts: Conflicts,
        units: UnitManager,
        engine: ContainerEngine,
        secrets: SecretsDirectory,
        scope: Scope,
    ) -> None:
        self._staging = staging
        self._files = files
        self._generator = generator
        self._conflicts = conflicts
        self._units = units
        self._engine = engine
        self._secrets = secrets
        self._scope = scope
        self._lock = threading.Lock()
        self._plans: dict[str, Plan] = {}

    def plan(self, staged_id: str, report: Report) -> Plan:
        """Make a plan of what is staged, and keep it. Fails as PlanStack says."""
        plan = self.check(self._staging.get(staged_id), report)
        with self._lock:
            self._plans[plan.plan_id] = plan
            while len(self._plans) > _KEPT_PLANS:
                del self._plans[next(iter(self._plans))]
        return plan

    def get(self, plan_id: str) -> Plan:
        """Return a plan that was made, while what it is about is staged. Raises PlanNotFound."""
        with self._lock:
            plan = self._plans.get(plan_id)
        try:
            if plan is not None:
                self._staging.get(plan.staged.id)
                return plan
        except StagedNotFound:
            pass
        raise PlanNotFound(
            "The plan is not there any more.",
            why="A plan is kept for an hour, and until another upload of the same stack.",
            next_step="Start the deployment again.",
        )

    def check(self, staged: Staged, report: Report) -> Plan:
        """Make every check anew, and leave leger's drop-ins beside the staged Quadlets."""
        if self._files.active(staged.stack) is not None:
            raise StackExists(
                f"The stack {staged.stack} is installed already.",
                why="Two stacks cannot have one name; an installed one is not changed in place.",
                next_step=f"To bring in a new version, `leger deploy remove {staged.stack}` first;"
                " volumes are kept.",
            )
        with Phase(report, Step.CHECK):
            check_podman(self._conflicts.commands)
            with self._lock:  # two checks of one staged stack would write the same files
                description, generated, order = self._render(staged)
        units = tuple(description.units[name] for name in order)
        with Phase(report, Step.CONFLICTS):
            others = installed.all_stacks(self._files)
            notes = self._conflicts.check(units, others, generated.others)
        with Phase(report, Step.SECRETS):
            stored = self._secrets.stored()
        images = {unit.image for unit in units if unit.image}
        return Plan(
            plan_id=secrets.token_hex(16),
            staged=staged,
            units=units,
            secrets=tuple(description.secrets),
            stored=stored,
            images_present=frozenset(i for i in images if self._engine.has_image(i)),
            warnings=(*generated.warnings, *warnings(generated, units, self._units), *notes),
        )

    def _render(self, staged: Staged) -> tuple[Description, Generated, list[str]]:
        """Write the drop-ins, and have the generator confirm what they bring about."""
        self._files.write_drop_ins(staged.directory, {})
        generated = self._generator.check(staged.directory, staged.quadlets)
        description = describe(generated.own)
        description.violations += _foreign_drop_ins(staged)
        if description.violations:
            raise invalid(description.violations)
        try:
            order = unit_order.start_order(generated.own.values())
        except unit_order.OrderingCycle as error:
            cycle = FieldViolation(field=staged.quadlets[0], description=f"a circle: {error}")
            raise invalid([cycle]) from None
        self._ask_images_for_health(description)
        volume_store = self._engine.volume_store()
        self._files.write_drop_ins(
            staged.directory,
            {
                f"{file}.d/{drop_in.FILE_NAME}": drop_in.render(
                    description.facts[unit.name], self._scope, volume_store=volume_store
                )
                for file, unit in generated.own.items()
            },
        )
        final = self._generator.check(staged.directory, staged.quadlets)
        if unmet := _unmet(description, final):
            raise invalid(unmet)
        return description, generated, order

    def _ask_images_for_health(self, description: Description) -> None:
        for name, facts in description.facts.items():
            unit = description.units[name]
            if not facts.image_may_check or not unit.image:
                continue
            health = self._engine.image_health(unit.image)
            if health is not None and health.interval:
                description.facts[name] = replace(facts, health=health)
                description.units[name] = replace(unit, healthy_within=health.settled_after)


def _foreign_drop_ins(staged: Staged) -> list[FieldViolation]:
    """Return a violation for each drop-in that would reach into other stacks."""
    names = {PurePosixPath(file).name for file in staged.quadlets}
    violations = []
    for asset in staged.assets:
        directory = PurePosixPath(asset).parent.name
        target = directory.removesuffix(".d")
        is_drop_in = directory.endswith(".d") and asset.endswith(".conf")
        if is_drop_in and UnitKind.of(f"x.{target}") and target not in names:
            text = f"it is a drop-in for {target}, which is no Quadlet of this stack"
            violations.append(FieldViolation(field=asset, description=text))
    return violations


def _unmet(description: Description, final: Generated) -> list[FieldViolation]:
    """Return a violation for each unit that, in spite of its drop-in, gets other secrets."""
    violations = []
    for file, unit in final.own.items():
        facts = description.facts[unit.name]
        expected = sum(secret.type is SecretType.ENV for secret in facts.secrets)
        images = [description.units[unit.name].image]
        words = unit.words("ExecStart")
        found = PodmanCommand(words, images=images).all("--secret")
        if len(found) != expected or any(not word.startswith("leger-") for word in found):
            text = (
                "--secret in PodmanArgs=, or Secret= in a drop-in that sorts behind"
                f" {drop_in.FILE_NAME}, cannot be met; use Secret= in the Quadlet"
            )
            violations.append(FieldViolation(field=file, description=text))
    return violations
