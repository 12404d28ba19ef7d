"""The pod as systemd runs it: placed, started, stopped."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from leger_runtime.errors import Kind, LegerError

from leger_bootstrap import http_socket, quadlets
from leger_bootstrap.commands import Outcome, Run, require
from leger_bootstrap.release import Release
from leger_bootstrap.scope import Scope

POD = "leger-pod.service"
# In start order; starting a container of the pod starts the pod.
CONTAINERS = ("leger-secrets.service", "leger-deployer.service")
UNITS = (POD, *CONTAINERS)
_OF_SOCKET = "leger-secrets.service"

_JOURNAL_LINES = 3
# How systemctl says that a stop took the place of what it was to do. It translates none of it.
_CALLED_OFF = re.compile(r"^Job for \S+ canceled\.| is destructive \(", re.MULTILINE)
# A service that fails can take its pod along, which calls off what others were to do.
_FAILED = re.compile(
    r"^(?:Job for \S+|A dependency job for \S+) (?:failed|timed out)", re.MULTILINE
)
# What `podman run --detach` and `podman rm` print.
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")


class PodNotStarted(LegerError):
    """Everything is in place, but a service of the pod does not come up."""

    kind, reason = Kind.UNAVAILABLE, "POD_NOT_STARTED"


class StartCalledOff(LegerError):
    """Somebody stops the services, or the host, while they start: it tells nothing of them."""

    kind, reason = Kind.UNAVAILABLE, "START_CALLED_OFF"


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What placing a release changed: the pod itself, units of its containers, and the socket."""

    anything: bool
    pod: bool
    containers: tuple[str, ...]
    socket: bool


@dataclass(frozen=True, kw_only=True)
class Pod:
    """leger's pod in a scope."""

    scope: Scope
    run: Run

    def place(self, release: Release, *, unsure: bool = False) -> Placed:
        """Have systemd know exactly these units; what runs goes on. Raises HostCommandFailed.

        Whoever is `unsure` whether systemd has read what is placed already has it read anew.
        """
        changed = quadlets.place(release.units, self.scope.quadlets / quadlets.DIRECTORY)
        socket = http_socket.place(release.http_socket, self.scope)
        if changed or socket or unsure:
            require(
                self._systemctl("daemon-reload"),
                what="systemd did not read the new units.",
                next_step="Check `systemctl status`, then run `legerd bootstrap` again.",
            )
        return Placed(
            anything=bool(changed) or socket,
            pod=any(name.startswith("leger.pod") for name in changed),
            containers=tuple(
                unit
                for unit in CONTAINERS
                if any(name.startswith(unit.removesuffix("service")) for name in changed)
            ),
            socket=socket,
        )

    def start(self) -> None:
        """Start what does not run, and wait until it is ready.

        Raises PodNotStarted, and StartCalledOff when somebody stops it meanwhile.
        """
        self._bring_up("start", UNITS)

    def restart(self, placed: Placed) -> None:
        """Have all that a release has changed run as it is placed now.

        Where the pod itself may stay, its containers are restarted one after the other, so that
        each is away for its own restart alone. Raises PodNotStarted, StartCalledOff.
        """
        if placed.socket:
            self.close_socket()
        if placed.pod or self._systemctl("is-active", "--quiet", POD).status != 0:
            self._bring_up("restart", UNITS)
            return
        for unit in CONTAINERS:
            if unit in placed.containers or (placed.socket and unit == _OF_SOCKET):
                self._bring_up("restart", [unit])
        self.start()

    def stop(self) -> None:
        """Stop all of it. Raises HostCommandFailed."""
        require(
            self._systemctl("stop", *UNITS),
            what="leger's services could not be stopped.",
            next_step="Check `systemctl status`, then run the command again.",
        )

    def close_socket(self) -> None:
        """Stop the socket of setec's API, which keeps the address that it was started with.

        Its service wants it, and so brings it back with what it is now, if it is to be there.
        """
        self._systemctl("stop", http_socket.UNIT)
        # systemd counts its starts: after a few that failed it would start it no more, not even
        # where it was before.
        self._systemctl("reset-failed", http_socket.UNIT)

    def _bring_up(self, verb: str, units: Sequence[str]) -> None:
        begun = int(time.time())
        outcome = self._systemctl(verb, *units)
        if outcome.status == 0:
            return
        complaint = outcome.complaint
        if _CALLED_OFF.search(complaint) and not _FAILED.search(complaint):
            raise StartCalledOff(
                "leger's services were stopped while they were to start.",
                why=complaint.partition("\n")[0],
                next_step="Run `legerd bootstrap` when they are to run; it goes on from there.",
            )
        raise self._not_started(outcome, begun)

    def _not_started(self, outcome: Outcome, begun: int) -> PodNotStarted:
        scope = self.scope
        selector = "-u" if scope.is_system else "--user-unit"
        units = " ".join(f"{selector} {unit}" for unit in UNITS)
        complaint = outcome.complaint.partition("\n")[0] or "systemd gave no reason."
        words = [f"{complaint.rstrip('.')}.", *self._last_words(begun)]
        return PodNotStarted(
            "leger's services did not start.",
            why=" ".join(words),
            next_step=f"Read why: `journalctl -b {units}`.",
        )

    def _last_words(self, begun: int) -> list[str]:
        """Return what the first unit that does not run has written to its journal at last."""
        for unit in UNITS:
            if self._systemctl("is-active", "--quiet", unit).status == 0:
                continue
            selector = "--unit" if self.scope.is_system else "--user-unit"
            # Of what the unit's processes wrote, and not of what systemd says about it.
            source = ["_TRANSPORT=stdout", f"{selector}={unit}", f"--since=@{begun}"]
            outcome = self.run(["journalctl", "--quiet", "--output=cat", *source], b"")
            lines = outcome.output.decode(errors="replace").splitlines()
            # systemd may have started it more than once, each time with the same words.
            words = [x for x in dict.fromkeys(lines) if not _CONTAINER_ID.fullmatch(x)]
            if words:
                return [f"Its journal ends: {' / '.join(words[-_JOURNAL_LINES:]).rstrip('.')}."]
        return []

    def _systemctl(self, *arguments: str) -> Outcome:
        return self.run([*self.scope.systemctl, *arguments], b"")
