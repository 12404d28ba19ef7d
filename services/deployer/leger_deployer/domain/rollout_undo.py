"""Going back from a rollout that failed, or whose process was killed."""

import logging
import threading
from dataclasses import dataclass, replace
from typing import NamedTuple

from leger_runtime.errors import Kind, LegerError

from leger_deployer.domain import progress
from leger_deployer.domain.bound_units import BoundUnits
from leger_deployer.domain.errors import UnitFailed, UnitUnhealthy
from leger_deployer.domain.ports.rollout_journal import RolloutJournal
from leger_deployer.domain.ports.secret_versions import SecretVersions
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.restart import Restart, Restarter
from leger_deployer.domain.rollout_intent import RolloutIntent

log = logging.getLogger(__name__)

_TRIES = 3  # to bring up what was restarted


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
                came = self._go_back(intent, progress.ignore)
                log.warning("%s", " ".join(filter(None, (came.said, came.next_step))))

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
            came = self._go_back(intent, report) if intent is not None else _Outcome("")
        except LegerError as error:
            log.error("going back is incomplete: %s", error)
            is_done = False
            came = _Outcome(f"Going back is not complete, and is tried until it is: {error.what}")
        if isinstance(cause, LegerError):
            # It may end with the words of a container.
            cause.why = f"{cause.why.rstrip('.')}. {came.said}".rstrip()
            cause.next_step = f"{came.next_step} {cause.next_step}".lstrip()
        return is_done

    def _go_back(self, intent: RolloutIntent, report: Report) -> "_Outcome":
        """Go back and return what came of it; a unit that fails is part of that."""
        with Phase(report, Step.ROLL_BACK) as phase:
            try:
                version = self._activate(intent)
            except LegerError as error:
                if error.kind is not Kind.NOT_FOUND:
                    raise
                # Deleted meanwhile: no later try will find it.
                phase.failed(intent.secret, error.what)
                self.journal.clear()
                return _Outcome(f"There is no way back: {error}")
            touched = self._touched(intent)
            phase.expect(len(touched))
            failed = self._restart(intent, touched, phase)
            self.journal.clear()
        return _outcome(intent, version, touched, failed)

    def _activate(self, intent: RolloutIntent) -> int:
        """Return the version that is active then."""
        state = self.versions.state(intent.secret)
        if state.active != intent.version:
            return state.active  # not activated yet, or somebody has chosen another one since
        before = intent.before_previous
        if before and before not in state.versions:
            before = 0  # deleted meanwhile, which must not keep from going back
        # Else a roll-back would go to the version that has just failed.
        self.versions.activate(intent.secret, intent.previous, previous=before)
        return intent.previous

    def _touched(self, intent: RolloutIntent) -> list[str]:
        """Return the units that may run with the new version, in the order of their start."""
        touched = set(intent.touched)
        for unit, served in self.bound.served(intent.secret).items():
            # Not by the rollout, but by a failure of its own, or as the host was booted.
            if served.version == intent.version and served.time >= intent.begun:
                touched.add(unit)
        return self.restarter.in_order(touched)

    def _restart(self, intent: RolloutIntent, touched: list[str], phase: Phase) -> dict[str, str]:
        """Restart the units and return those that are not well, and what is wrong with them."""
        failed: dict[str, str] = {}
        done: set[str] = set()
        for number, name in enumerate(touched, 1):
            try:
                if name not in done:
                    restart = self.restarter.plan([name])
                    self._persist(restart, phase.only_waits)
                    done.update(restart.names)
            except (UnitFailed, UnitUnhealthy) as error:
                failed[name] = error.what
                phase.failed(name)
            else:
                phase.done(name)
            self.journal.write(replace(intent, touched=tuple(touched[number:])))
        return failed

    def _persist(self, restart: Restart, report: Report) -> None:
        """Restart units, and do not give up on those that do not start at first.

        The failed version may have ended them badly, and they may need a while to recover.
        """
        bring_up = self.restarter.run
        for tries_left in reversed(range(_TRIES)):
            try:
                bring_up(restart, report)
            except UnitFailed as error:
                if not tries_left:
                    raise
                log.warning("%s It is tried again.", error.what)
                bring_up = self.restarter.run_again
            else:
                return


class _Outcome(NamedTuple):
    """What came of going back, in a sentence, and what is left to do, in another or none."""

    said: str
    next_step: str = ""


def _outcome(
    intent: RolloutIntent, version: int, touched: list[str], failed: dict[str, str]
) -> _Outcome:
    if version != intent.previous:
        head = f"Version {version} of {intent.secret}, which was activated meanwhile, is active"
    elif version == intent.version:
        head = f"Version {version} of {intent.secret} stays active, as it was before"
    else:
        # When nothing was restarted, it may never have been another one.
        head = f"Version {version} of {intent.secret} is active{' again' if touched else ''}"
    if failed:
        return _Outcome(
            f"{head}, but not all is well with it: {' '.join(dict.fromkeys(failed.values()))}",
            f"Start what is down: `leger services start {' '.join(failed)}`.",
        )
    return _Outcome(f"{head}, and what was restarted runs with it." if touched else f"{head}.")
