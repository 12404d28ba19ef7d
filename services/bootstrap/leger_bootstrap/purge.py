"""Taking everything of leger off a host, but the package itself."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from leger_deployer.adapters import generation_record
from leger_deployer.domain.stack import Generation
from leger_runtime.errors import Kind, LegerError, reason_of

from leger_bootstrap import http_socket, image, quadlets, root_key
from leger_bootstrap.commands import Run
from leger_bootstrap.pod import CONTAINERS, POD
from leger_bootstrap.scope import Scope

_ENABLED = ("legerd.service", "leger-podman.socket", "leger-setec.socket")
_MOUNT = "run-leger-mounts.mount"
# What the package brings: stopped, and left to the package.
_HOST_UNITS = (
    "legerd.service",
    "leger-backup.timer",
    "leger-backup.service",
    "leger-setec.socket",
    "leger-podman.socket",
    "leger-podman.service",
    _MOUNT,
)
# Stopped last: while it is there, no other use of podman takes a container's root away.
_STORAGE = "leger-storage.service"
_ORDINARY = ("podman",)


class PurgeIncomplete(LegerError):
    """Something of leger could not be removed."""

    kind, reason = Kind.UNAVAILABLE, "PURGE_INCOMPLETE"


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """All that a purge takes away; `volumes` only when it is told to."""

    stacks: tuple[str, ...] = ()
    units: tuple[str, ...] = ()  # of stacks, as systemd knows them
    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    podman_secrets: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()


def find(scope: Scope, run: Run) -> Belongings:
    """Look at what of leger is on this host, in the scope."""
    generations = tuple(_generations(scope))
    stacks = {*_names_in(scope.quadlets / "leger"), *(g.stack for g in generations)}
    return Belongings(
        stacks=tuple(sorted(stacks)),
        units=tuple(_stack_units(scope, run)),
        containers=tuple(
            sorted({u.resource for g in generations for u in g.services if u.resource})
        ),
        networks=tuple(sorted({name for g in generations for name in g.networks})),
        podman_secrets=tuple(sorted({name for g in generations for name in g.podman_secrets})),
        volumes=tuple(sorted({name for g in generations for name in g.volumes})),
        images=tuple(image.all_of_leger(run)),
        paths=tuple(
            path
            for path in (*_keys(scope), *_paths(scope), scope.units / http_socket.FILE, scope.data)
            if path.exists() or path.is_symlink()
        ),
    )


def describe(found: Belongings, *, volumes: bool) -> list[str]:
    """Return in lines what a purge would take away, and what it would leave."""
    lines = []
    if found.stacks:
        lines.append(f"stacks, which are stopped: {', '.join(found.stacks)}")
    lines += [str(path) for path in found.paths]
    lines += [f"podman's image {name}" for name in found.images]
    if found.volumes and volumes:
        lines.append(f"volumes of the stacks, with all data: {', '.join(found.volumes)}")
    return lines


@dataclass(kw_only=True)
class Purge:
    """Removes what was found. Doing it again is safe, and goes on where it stopped."""

    scope: Scope
    run: Run
    say: Callable[[str], None]
    _problems: list[str] = field(default_factory=list)

    def carry_out(self, found: Belongings, *, volumes: bool) -> None:
        """Remove the root key, stop everything, then remove it.

        What fails keeps nothing else from being removed, but for the record of stacks: without it
        the next purge would not know what it has to go on with. Raises PurgeIncomplete in the end.
        """
        scope, systemctl = self.scope, self.scope.systemctl
        # Without its key the store is worthless, however far this gets.
        for path in _keys(scope):
            self._remove(path)
        own = [*CONTAINERS, POD, *_HOST_UNITS]
        # A user's manager knows the machine's mounts, too, and can do nothing about them.
        known = [u for u in own if self._is_known(u) and (scope.is_system or u != _MOUNT)]
        # Else the next boot would set everything up anew.
        if enabled := [unit for unit in _ENABLED if unit in known]:
            self._try([*systemctl, "disable", "--quiet", *enabled])
        if running := [*found.units, *known]:
            self._try([*systemctl, "stop", *running])
        self.say("everything is stopped")
        # When the timer of a persistent schedule ran last is kept by systemd.
        self._quietly([*systemctl, "clean", "--what=state", "leger-backup.timer"])
        self._clean_podman(found, volumes=volumes)
        for path in _paths(scope):
            self._remove(path)
        self._remove_socket_drop_in()
        self._try([*systemctl, "daemon-reload"])
        self._quietly([*systemctl, "reset-failed", *found.units, *CONTAINERS, POD])
        self._quietly([*systemctl, "stop", _STORAGE])
        for left in image.discard(scope, self.run, keep=()):
            self._problems.append(f"podman image rm {left}: it is in use.")
        if not self._problems:
            self._remove(scope.data)
        if self._problems:
            raise PurgeIncomplete(
                "Not everything of leger is gone.",
                why=" ".join(self._problems),
                next_step="Mend that, then run `legerd purge` again; it goes on where it stopped.",
            )

    def _clean_podman(self, found: Belongings, *, volumes: bool) -> None:
        for container in found.containers:
            self._try([*image.PODMAN, "rm", "--force", "--ignore", container])
        for podman, names, noun in (
            (image.PODMAN, found.podman_secrets, "secret"),
            (_ORDINARY, found.networks, "network"),
        ):
            for name in names:
                if self.run([*podman, noun, "exists", name], b"").status == 0:
                    self._try([*podman, noun, "rm", name])
        for name in found.volumes if volumes else ():
            # One that a reboot made podman forget is first made known again, with its data.
            self._quietly([*image.PODMAN, "volume", "create", "--ignore", name])
            self._try([*image.PODMAN, "volume", "rm", name])

    def _is_known(self, unit: str) -> bool:
        shown = self.run(
            [*self.scope.systemctl, "show", "--property=LoadState", "--value", unit], b""
        )
        return shown.output.strip() not in (b"", b"not-found")

    def _remove(self, path: Path) -> None:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            self._problems.append(f"{error.filename or path}: {reason_of(error)}.")

    def _remove_socket_drop_in(self) -> None:
        try:
            http_socket.remove(self.scope)
        except OSError as error:
            self._problems.append(f"{error.filename}: {reason_of(error)}.")

    def _try(self, command: list[str]) -> None:
        outcome = self.run(command, b"")
        if outcome.status != 0:
            said = outcome.complaint.partition("\n")[0] or f"status {outcome.status}"
            self._problems.append(f"{' '.join(command[:3])}: {said.rstrip('.')}.")

    def _quietly(self, command: list[str]) -> None:
        self.run(command, b"")


def _keys(scope: Scope) -> tuple[Path, ...]:
    return (
        scope.encrypted_credentials / root_key.FILE_NAME,
        scope.plain_credentials / root_key.FILE_NAME,
    )


def _paths(scope: Scope) -> Iterator[Path]:
    """Yield all other files of the scope that are leger's, but the deployer's state."""
    yield scope.secrets_data
    yield scope.quadlets / "leger"
    yield scope.quadlets / quadlets.DIRECTORY
    yield scope.runtime / "leger"
    # /etc/leger is the package's; a user's own directory is nobody else's.
    yield scope.config / "policy.toml" if scope.is_system else scope.config


def _generations(scope: Scope) -> Iterator[Generation]:
    """Yield all generations of stacks that the deployer keeps; what it cannot read is left out."""
    for path in sorted((scope.data / "generations").glob("*/*.json")):
        try:
            yield generation_record.to_generation(path.read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} if directory.is_dir() else set()


def _stack_units(scope: Scope, run: Run) -> Iterator[str]:
    """Yield the units that Quadlet made of stacks, instances of templates and health checks too."""
    outcome = run([*scope.systemctl, "show", "--property=Id,SourcePath", "*"], b"")
    # As Quadlet names it: a stack's directory is a link to a generation.
    sources = tuple(f"SourcePath={p}/" for p in (scope.quadlets / "leger", scope.data))
    for block in outcome.output.decode(errors="replace").split("\n\n"):
        lines = block.splitlines()
        names = [line.removeprefix("Id=") for line in lines if line.startswith("Id=")]
        if names and (
            any(line.startswith(sources) for line in lines) or names[0].startswith("leger-health-")
        ):
            yield names[0]
