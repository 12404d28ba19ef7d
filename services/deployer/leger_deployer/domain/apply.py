"""Bringing a planned stack onto the host: one transaction, whole or not at all."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leger_runtime.errors import LegerError

from leger_deployer.domain import progress
from leger_deployer.domain.errors import ImageUnavailable, PlanStale, SecretNotFound
from leger_deployer.domain.intent import Intent, Operation
from leger_deployer.domain.plan import Plan, Planner
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitAction
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.recovery import Recovery
from leger_deployer.domain.stack import Generation, SecretUse, stem
from leger_deployer.domain.staging import Staged, Staging
from leger_deployer.domain.start import Starter
from leger_deployer.domain.teardown import Teardown

log = logging.getLogger(__name__)

# Standard input to standard output, exactly, by the shell's own words: starting cat(1) instead
# would double the time of each lookup. A byte of zero, which no environment variable can hold, is
# all that they leave out. LC_ALL: a shell must take bytes for bytes.
_COPY_INPUT = 'LC_ALL=C; while IFS= read -r row; do printf "%s\\n" "$row"; done; printf %s "$row"'


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Applies plans, one at a time; `credentials` is the directory of units' credentials."""

    planner: Planner
    staging: Staging
    files: StackFiles
    engine: ContainerEngine
    secrets: SecretsDirectory
    starter: Starter
    teardown: Teardown
    recovery: Recovery
    clock: Callable[[], datetime]
    credentials: Path
    changing: threading.RLock

    def apply(self, plan_id: str, report: Report) -> Generation:
        """Carry out a plan and return the generation that is active then.

        Every check is made again. Fails as ApplyPlan says; the host is as before then.
        """
        with self.changing:
            self.recovery.finish()
            plan = self._checked(self.planner.get(plan_id), report)
            generation = self._generation(plan)
            intent = Intent(
                operation=Operation.APPLY,
                generation=generation,
                doomed_volumes=tuple(sorted(set(generation.volumes) - self.engine.volumes())),
            )
            self.files.record_intent(intent)
            try:
                self._carry_out(plan, generation, report)
            except Exception as error:
                # Whoever asked may have gone. Only what happened: the rest may quote a container.
                what = error.what if isinstance(error, LegerError) else type(error).__name__
                log.warning("the stack %s is not installed: %s", generation.stack, what)
                self._undo(intent, error, report)
                raise
            # From here on the stack is installed, whatever happens to this process.
            self.files.clear_intent(generation.stack)
            self._drop(plan.staged)
            log.info(
                "the stack %s is installed, generation %d", generation.stack, generation.number
            )
            return generation

    def _checked(self, planned: Plan, report: Report) -> Plan:
        plan = self.planner.check(planned.staged, report)
        if not plan.agrees_with(planned):
            raise PlanStale(
                "The host changed since the plan was made.",
                why="Applying it now would do something else than it says.",
                next_step="Start the deployment again and look at the new plan.",
            )
        if plan.missing_secrets:
            raise _not_stored(plan.missing_secrets)
        if self._pull(plan, report):
            # An image may bring a health check, for which the units need a timer.
            plan = self.planner.check(planned.staged, progress.ignore)
        return plan

    def _pull(self, plan: Plan, report: Report) -> bool:
        missing: dict[str, bool] = {}
        for unit in plan.units:
            if unit.kind.is_service and unit.image and unit.image not in plan.images_present:
                missing[unit.image] = missing.get(unit.image, False) or unit.pull
        # What an .image or .build unit of the stack provides is there when it is needed.
        provided = {unit.image for unit in plan.units if not unit.kind.is_service}
        wanted = [image for image in missing if image not in provided]
        with Phase(report, Step.PULL, total=len(wanted)) as phase:
            for image in wanted:
                if not missing[image]:
                    raise ImageUnavailable(
                        f"The image {image} is not on the host.",
                        why="Its Quadlet forbids fetching it (Pull=never).",
                        next_step=f"Build or load it first, for example `podman load`, as {image}.",
                    )
                phase.started(image)
                self.engine.pull(image)
                phase.done(image)
        return bool(wanted)

    def _generation(self, plan: Plan) -> Generation:
        return Generation(
            stack=plan.staged.stack,
            number=self.files.next_number(plan.staged.stack),
            apply_time=self.clock(),
            units=plan.units,
            secrets=plan.secrets,
        )

    def _carry_out(self, plan: Plan, generation: Generation, report: Report) -> None:
        with Phase(report, Step.SECRETS):
            if generation.secrets:
                self.secrets.bind(generation.stack, generation.secrets)
            for use in {use.podman_secret: use for use in generation.secrets}.values():
                if use.podman_secret:
                    self.engine.create_secret(use.podman_secret, lookup=self._lookup(use))
        with Phase(report, Step.SWITCH):
            self.files.store_generation(generation, plan.staged.directory)
            self.files.switch(generation.stack, generation.number)
        with Phase(report, Step.RELOAD):
            self.starter.units.reload()
        self.starter.run(UnitAction.START, generation.startable, report)

    def _lookup(self, use: SecretUse) -> str:
        """Return the shell command by which podman reads a credential of the unit.

        Within the unit systemd says where; the other place serves `podman exec`, which asks again
        from outside. An instance of a template is known only from within. An empty credential is
        none: systemd takes a connection that broke off for one.
        """
        outside = "?" if stem(use.unit).endswith("@") else f"-{self.credentials / use.unit}"
        file = f"${{CREDENTIALS_DIRECTORY:{outside}}}/{use.credential}"
        return f"test -s {file} && {{ {_COPY_INPUT}; }} <{file}"

    def _drop(self, staged: Staged) -> None:
        try:
            self.staging.drop(staged)
        except LegerError as error:
            # No reason to call an apply failed that is done; the next start removes it.
            log.warning("the upload %s stays for now: %s", staged.id, error)

    def _undo(self, intent: Intent, cause: Exception, report: Report) -> None:
        try:
            self.teardown.run(intent, report)
        except LegerError as error:
            # The intent stays, so that the rest is undone before the next change or start.
            log.error("undoing the apply of %s is incomplete: %s", intent.generation.stack, error)
            if isinstance(cause, LegerError):
                cause.why += f" Undoing it is not complete yet: {error.what}"


def _not_stored(names: tuple[str, ...]) -> SecretNotFound:
    one = len(names) == 1
    return SecretNotFound(
        f"The secret {names[0]} is not stored."
        if one
        else f"{len(names)} secrets are not stored: {', '.join(names)}.",
        why=f"The stack names {'it' if one else 'them'}, and its units cannot start without.",
        next_step=f"Store {'it' if one else 'them'}: "
        + ", ".join(f"`leger secrets put {name}`" for name in names)
        + ".",
    )
