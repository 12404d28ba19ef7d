"""The units of a scope, through the manager's own D-Bus interface."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from leger_deployer.adapters.systemd_bus import ManagerConnection, Refused, SystemdBus
from leger_deployer.domain import unit_name
from leger_deployer.domain.errors import SystemdUnavailable
from leger_deployer.domain.ports.unit_manager import JobResult, UnitAction, UnitState

_TICK = 0.5
_EXITED = 1  # CLD_EXITED
# Commands that run before or beside the main process, by property.
_OTHER_COMMANDS = ("ExecCondition", "ExecStartPre", "ExecStartPost")
# What carries a stop or a restart of a unit to others, as systemd.unit(5) has it.
_PULLS_DOWN = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")


class SystemdUnitManager:
    """UnitManager by systemd."""

    def __init__(self, bus: SystemdBus) -> None:
        self._bus = bus
        # Two generators at once have been seen to spoil each other's units.
        self._reloading = threading.Lock()

    def reload(self) -> None:
        """Let the manager run its generators and read all units again."""
        with self._reloading, self._bus.connect() as manager:
            try:
                manager.call("Reload")
            except Refused as error:
                raise SystemdUnavailable(
                    "systemd does not reload its units.",
                    why=f"{error.text.rstrip('.')}.",
                    next_step="Try `systemctl daemon-reload` and read what it says.",
                ) from None

    def jobs(self, action: UnitAction, units: Sequence[str]) -> Iterator[JobResult | None]:
        """Queue a job for each unit and yield each as it ends; None every half second."""
        if not units:
            return
        with self._bus.connect() as manager:
            manager.watch_jobs()
            running: dict[str, str] = {}
            for unit in units:
                try:
                    (path,) = manager.call(f"{action.value}Unit", "ss", unit, "replace")
                    running[path] = unit
                except Refused as error:
                    # What is not there needs no stopping.
                    is_done = action is UnitAction.STOP and error.is_no_such_unit
                    result = "done" if is_done else "refused"
                    yield JobResult(unit=unit, result=result, detail=error.text)
            while running:
                ended = manager.next_job(_TICK)
                if ended is None:
                    yield None
                elif (job := running.pop(ended[0], None)) is not None:
                    yield JobResult(unit=job, result=ended[2])

    def states(self, units: Iterable[str]) -> Mapping[str, UnitState]:
        """Return the states of the units, also of those that are not there."""
        wanted = sorted(set(units))
        # A Requires= may name what is no unit at all; the manager passes over it without a word.
        states = {unit: UnitState(unit=unit) for unit in wanted if not unit_name.is_valid(unit)}
        templates = [unit for unit in wanted if unit not in states and "@." in unit]
        names = [unit for unit in wanted if unit not in states and "@." not in unit]
        with self._bus.connect() as manager:
            states |= {name: self._template_state(manager, name) for name in templates}
            if names:
                (listed,) = manager.call("ListUnitsByNames", "as", names)
                # An alias is listed under the name of the unit that it stands for.
                for name, entry in zip(names, listed, strict=True):
                    states[name] = self._state(manager, name, entry)
        return states

    @staticmethod
    def _template_state(manager: ManagerConnection, name: str) -> UnitState:
        """Return the state of a template, which is never loaded itself: only its file exists."""
        (files,) = manager.call("ListUnitFilesByPatterns", "asas", [], [name])
        if not files:
            return UnitState(unit=name)
        return UnitState(unit=name, load="loaded", source=files[0][0])

    @staticmethod
    def _state(manager: ManagerConnection, name: str, entry: tuple[str, ...]) -> UnitState:
        _, _, load, active, sub, _, path, *_ = entry
        if load == "not-found" and active == "inactive":
            return UnitState(unit=name)
        changed = manager.property(path, "Unit", "StateChangeTimestamp")
        source = manager.property(path, "Unit", "SourcePath")
        state = UnitState(
            unit=name,
            load=load,
            active=active,
            sub=sub,
            since=datetime.fromtimestamp(changed / 1e6, UTC) if changed else None,
            source=source or manager.property(path, "Unit", "FragmentPath"),
        )
        return _with_service(manager, path, state) if name.endswith(".service") else state

    def instances(self, templates: Iterable[str]) -> Sequence[str]:
        """Return the loaded instances of templates, sorted."""
        patterns = [template.replace("@.", "@?*.") for template in templates]
        with self._bus.connect() as manager:
            (listed,) = manager.call("ListUnitsByPatterns", "asas", [], patterns)
        return sorted(entry[0] for entry in listed)

    def dependents(self, units: Collection[str]) -> frozenset[str]:
        """Return the units that systemd stops, and restarts, together with any of these."""
        found, waiting = set[str](), sorted(units)
        with self._bus.connect() as manager:
            while waiting:
                try:
                    (path,) = manager.call("GetUnit", "s", waiting.pop())
                except Refused as error:
                    if not error.is_no_such_unit:
                        raise
                    continue  # nothing depends on what is not loaded
                named = {
                    name for key in _PULLS_DOWN for name in manager.property(path, "Unit", key)
                }
                waiting += sorted(named - found)
                found |= named
        return frozenset(found.difference(units))

    def reset_failed(self, units: Iterable[str]) -> None:
        """Forget failures of the units; unknown ones are fine."""
        with self._bus.connect() as manager:
            for unit in units:
                try:
                    manager.call("ResetFailedUnit", "s", unit)
                except Refused as error:
                    if not error.is_no_such_unit:
                        raise SystemdUnavailable(
                            f"systemd does not reset {unit}.",
                            why=f"{error.text.rstrip('.')}.",
                            next_step=f"Try `systemctl reset-failed {unit}`.",
                        ) from None


def _with_service(manager: ManagerConnection, path: str, state: UnitState) -> UnitState:
    """Return the state with what only services have."""

    def get(name: str) -> int:
        return int(manager.property(path, "Service", name))

    result = str(manager.property(path, "Service", "Result"))
    code, status, command = get("ExecMainCode"), get("ExecMainStatus"), ""
    if result == "exit-code":
        # What the main process left is from an earlier start when this one did not get so far.
        code, status, command = _failed_command(manager, path) or (code, status, "")
    return UnitState(
        unit=state.unit,
        load=state.load,
        active=state.active,
        sub=state.sub,
        since=state.since,
        source=state.source,
        result=result,
        exit_code=code,
        exit_status=status,
        failed_command=command,
        restarts=get("NRestarts"),
    )


def _failed_command(manager: ManagerConnection, path: str) -> tuple[int, int, str] | None:
    """Return how the command ended that kept the main process from starting, and its name."""
    for key in _OTHER_COMMANDS:
        for entry in manager.property(path, "Service", key):
            words, ignored, code, status = entry[1], entry[2], entry[8], entry[9]
            if code and (code, status) != (_EXITED, 0) and not ignored:
                return code, status, f"{key}={words[0]}"
    return None
