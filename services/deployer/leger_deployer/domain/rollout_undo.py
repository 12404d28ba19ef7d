"""Going back from a rollout that failed, or whose process was killed."""

import logging
import threading
from dataclasses import dataclass, replace

from leger_runtime.errors import Kind, LegerError

from leger_deployer.domain import progress
from leger_deployer.domain.bound_units import BoundUnits
from leger_deployer.domain.errors import UnitFailed, UnitUnhealthy
from leger_deployer.domain.ports.rollout_journal import RolloutJournal
from leger_deployer.domain.ports.secret_versions import SecretVersions
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.restart import Restarter
from leger_deployer.domain.rollout_intent import RolloutIntent

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RolloutUndo:
    """Makes the former version the active one again, and hands it to all that was restarted."""

    versions: SecretVersions
    bound: BoundUnits
    restarter: Restarter
    journal: RolloutJournal
    changing: threading.RLock

    def finish(self) -> None:
        """Go back from what an earlier process left half done. Raises what keeps it from that."""
        with self.changing:
            intent = self.journal.read()
            if intent is not None:
                log.warning(
                    "rolling out version %d of %s was interrupted", intent.version, intent.secret
                )
                log.warning("%s", self._go_back(intent, progress.ignore))

    def try_to_finish(self) -> bool:
        """Do so if possible, and return whether nothing is left to be tried again."""
        try:
            self.finish()
        except LegerError as error:
            log.error("going back is incomplete: %s", error)
            return False
        return True

    def after(self, cause: Exception, report: Report) -> bool:
        """Go back from the rollout that failed with `cause`, and say in it what came of that.

        Returns whether nothing is left to be tried again.
        """
        is_done = True
        try:
            intent = self.journal.read()
            said = self._go_back(intent, report) if intent is not None else ""
        except LegerError as error:
            log.error("going back is incomplete: %s", error)
            is_done = False
            said = f"Going back is not complete, and is tried until it is: {error.what}"
        if isinstance(cause, LegerError):
            # It may end with the words of a container.
            cause.why = f"{cause.why.rstrip('.')}. {said}".rstrip()
        return is_done

    def _go_back(self, intent: RolloutIntent, report: Report) -> str:
        """Go back and return a sentence on what came of it; a unit that fails is part of that."""
        with Phase(report, Step.ROLL_BACK) as phase:
            try:
                version = self._activate(intent)
            except LegerError as error:
                if error.kind is not Kind.NOT_FOUND:
                    raise
                # Deleted meanwhile: no later try will find it.
                phase.failed(intent.secret, error.what)
                self.journal.clear()
                return f"There is no way back: {error}"
            touched = self._touched(intent)
            phase.expect(len(touched))
            failed = self._restart(intent, touched, phase)
            self.journal.clear()
        return _outcome(intent, version, touched, failed)

    def _activate(self, intent: RolloutIntent) -> int:
        """Return the version that is active then."""
        active = self.versions.state(intent.secret).active
        if active != intent.version:
            return active  # it was not activated yet, or somebody has chosen another one since
        self.versions.activate(intent.secret, intent.previous)
        return intent.previous

    def _touched(self, intent: RolloutIntent) -> list[str]:
        """Return the units that may run with the new version, in the order of their start."""
        touched = set(intent.touched)
        for unit, served in self.bound.served(intent.secret).items():
            # Not by the rollout, but by a failure of its own, or as the host was booted.
            if served.version == intent.version and served.time >= intent.begun:
                touched.add(unit)
        return self.restarter.in_order(touched)

    def _restart(self, intent: RolloutIntent, touched: list[str], phase: Phase) -> list[str]:
        """Restart the units and return what is wrong with those that are not well."""
        failed: dict[str, None] = {}
        done: set[str] = set()
        for number, name in enumerate(touched, 1):
            try:
                if name not in done:
                    restart = self.restarter.plan([name])
                    self.restarter.run(restart, progress.ignore)
                    done.update(restart.names)
            except (UnitFailed, UnitUnhealthy) as error:
                failed[error.what] = None
                phase.failed(name)
            else:
                phase.done(name)
            self.journal.write(replace(intent, touched=tuple(touched[number:])))
        return list(failed)


def _outcome(intent: RolloutIntent, version: int, touched: list[str], failed: list[str]) -> str:
    if version != intent.previous:
        head = f"Version {version} of {intent.secret}, which was activated meanwhile, is active"
    elif version == intent.version:
        head = f"Version {version} of {intent.secret} stays active, as it was before"
    else:
        # When nothing was restarted, it may never have been another one.
        head = f"Version {version} of {intent.secret} is active{' again' if touched else ''}"
    if failed:
        return f"{head}, but not all is well with it: {' '.join(failed)}"
    return f"{head}, and what was restarted runs with it." if touched else f"{head}."
