"""Rolling a version of a secret out to the units that run with it: to all of them, or to none."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leger_runtime.errors import LegerError

from leger_deployer.domain.bound_units import BoundUnits
from leger_deployer.domain.errors import NoPreviousVersion, VersionNotFound, VersionNotServed
from leger_deployer.domain.ports.rollout_journal import RolloutJournal
from leger_deployer.domain.ports.secret_versions import SecretState, SecretVersions, Served
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.rebinding import Rebinder
from leger_deployer.domain.recovery import Recovery
from leger_deployer.domain.restart import Restarter
from leger_deployer.domain.rollout_intent import RolloutIntent
from leger_deployer.domain.rollout_undo import RolloutUndo

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RolloutResult:
    """What became of a rollout; `restarted` in that order, `not_running` sorted."""

    secret: str
    version: int
    previous_version: int
    restarted: tuple[str, ...]
    not_running: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """Rolls versions out, one at a time; `later` is called when going back is to be tried again."""

    versions: SecretVersions
    bound: BoundUnits
    restarter: Restarter
    journal: RolloutJournal
    undo: RolloutUndo
    recovery: Recovery
    rebinder: Rebinder
    later: Callable[[], None]
    clock: Callable[[], datetime]
    changing: threading.RLock

    def roll_out(self, secret: str, version: int, report: Report) -> RolloutResult:
        """Make a stored version the active one, and restart the running units that are bound.

        Version 0 means the one that was active before. Each unit is restarted after the one before
        was handed the version and is well. Fails as RolloutSecret says; what was active is active
        again then, and was handed to all that was restarted.
        """
        with self.changing:
            self.recovery.finish()
            self.undo.finish()
            with Phase(report, Step.SECRETS):
                state = self.versions.state(secret)
                version = _chosen(secret, version, state)
                # A unit that is not bound would be passed over, and keep the former version.
                self.rebinder.rebind()
                bound = self.bound.of(secret)
                # A restart must not stop what could not start again.
                self.restarter.require_secrets(self.restarter.plan(bound.running))
            intent = RolloutIntent(
                secret=secret,
                version=version,
                previous=state.active,
                before_previous=state.previous,
                begun=self.clock(),
            )
            self.journal.write(intent)
            try:
                before = self.bound.served(secret)
                with Phase(report, Step.ACTIVATE):
                    self.versions.activate(secret, version, for_environment=bound.in_environment)
                self._restart(intent, bound.running, before, report)
                # From here on it stays, whatever happens to this process.
                self.journal.clear()
            except Exception as error:
                # Whoever asked may have gone. Only what happened: the rest may quote a container.
                what = error.what if isinstance(error, LegerError) else type(error).__name__
                log.warning("version %d of %s is not rolled out: %s", version, secret, what)
                if not self.undo.after(error, report):
                    self.later()
                raise
            log.info("version %d of %s is rolled out", version, secret)
            return RolloutResult(
                secret=secret,
                version=version,
                previous_version=state.active,
                restarted=bound.running,
                not_running=bound.not_running,
            )

    def _restart(
        self,
        intent: RolloutIntent,
        units: tuple[str, ...],
        before: Mapping[str, Served],
        report: Report,
    ) -> None:
        with Phase(report, Step.RESTART, total=len(units)) as phase:
            for unit in units:
                phase.started(unit)
                try:
                    # One that systemd restarted along with another has been waited for already.
                    if unit not in intent.touched or not self._was_served(intent, unit, before):
                        restart = self.restarter.plan([unit])
                        touched = dict.fromkeys((*intent.touched, *restart.names))
                        intent = replace(intent, touched=tuple(touched))
                        self.journal.write(intent)
                        self.restarter.run(restart, phase.only_waits)
                    if not self._was_served(intent, unit, before):
                        raise _not_served(intent, unit)
                except LegerError:
                    phase.failed(unit)
                    raise
                phase.done(unit)

    def _was_served(self, intent: RolloutIntent, unit: str, before: Mapping[str, Served]) -> bool:
        served = self.bound.served(intent.secret).get(unit)
        # By what is different, not by what is later: a clock may be set meanwhile.
        return (
            served is not None and served.version == intent.version and served != before.get(unit)
        )


def _chosen(secret: str, version: int, state: SecretState) -> int:
    if version == 0 and state.previous == 0:
        raise NoPreviousVersion(
            f"The secret {secret} has no version to go back to.",
            why=f"Version {state.active} is active, and none that is still stored was before.",
            next_step=f"`leger secrets info {secret}` shows the versions there are.",
        )
    version = version or state.previous
    if version not in state.versions:
        raise VersionNotFound(
            f"The secret {secret} has no version {version}.",
            why="That version was never stored, or it was deleted.",
            next_step=f"List the versions there are: `leger secrets info {secret}`.",
        )
    return version


def _not_served(intent: RolloutIntent, unit: str) -> VersionNotServed:
    return VersionNotServed(
        f"{unit} was not handed version {intent.version} of {intent.secret}.",
        why="It runs, but the secrets service did not give it that version after its restart: it"
        " gave another one, or it was restarted itself meanwhile.",
        next_step="See that nobody else changes the secret (`leger audit`), and try again.",
    )
