"""Podman's transient store, through the API that leger-podman.socket serves."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from leger_deployer.domain.errors import ImageUnavailable, PodmanUnavailable
from leger_deployer.domain.health_check import DEFAULT_RETRIES, HealthCheck
from leger_deployer.domain.ports.container_engine import Health, Network
from leger_deployer.domain.ports.host_commands import HostCommands

if TYPE_CHECKING:
    from podman.api.client import APIClient, APIResponse

_QUICK = 30.0
# Stopping a container waits for its own time limit, which may be long.
_PATIENT = 300.0
_NO_CONTENT, _REDIRECTION, _NOT_MODIFIED, _NOT_FOUND, _CONFLICT = 204, 300, 304, 404, 409
_NANOSECONDS = 1e9
# A container that goes between podman's look-ups by name and by id is no 404 (podman 5.4) but a 500
# with this text (libpod/define/errors.go, ErrNoSuchCtr).
_VANISHED = "no such container"


class PodmanEngine:
    """ContainerEngine by podman's REST API.

    `commands` tells of volumes that have only their data left: podman keeps their names in the
    transient store, which a reboot empties, but the data on the disk.
    """

    def __init__(self, *, socket: Path, commands: HostCommands) -> None:
        self._socket = socket
        self._commands = commands
        self._volume_directory = ""

    def has_image(self, image: str) -> bool:
        """Whether the image is on the host."""
        return _status(self._ask("GET", f"/images/{_name(image)}/exists")) == _NO_CONTENT

    def pull(self, image: str) -> None:
        """Fetch an image. Raises ImageUnavailable."""
        parameters = {"reference": image, "policy": "missing"}
        with self._api(timeout=None) as api:
            answer = api.post("/images/pull", params=parameters, stream=True)
            for line in answer.iter_lines():
                report = json.loads(line) if line else {}
                if failure := report.get("error") or report.get("cause"):
                    raise ImageUnavailable(
                        f"The image {image} cannot be fetched.",
                        why=f"podman says: {str(failure).strip().rstrip('.')}.",
                        next_step=f"Try `podman pull {image}`, or load it with `podman load`.",
                    )

    def image_health(self, image: str) -> HealthCheck | None:
        """Return the health check that the image brings; None for none, or for no such image."""
        answer = self._ask("GET", f"/images/{_name(image)}/json")
        if _status(answer) == _NOT_FOUND:
            return None
        check = _json(answer).get("Healthcheck") or {}
        if not check.get("Test") or check["Test"][0] == "NONE":
            return None
        return HealthCheck(
            # Podman's own default stands where the image says nothing (0).
            interval=check.get("Interval", 0) / _NANOSECONDS or HealthCheck().interval,
            timeout=check.get("Timeout", 0) / _NANOSECONDS or HealthCheck().timeout,
            start_period=check.get("StartPeriod", 0) / _NANOSECONDS,
            retries=check.get("Retries", 0) or DEFAULT_RETRIES,
        )

    def containers(self) -> frozenset[str]:
        """Return the names of all containers and of all pods."""
        containers = _json(self._ask("GET", "/containers/json", all="true")) or []
        pods = _json(self._ask("GET", "/pods/json")) or []
        names = {name for container in containers for name in container["Names"]}
        return frozenset(names | {pod["Name"] for pod in pods})

    def health(self, container: str) -> Health:
        """Return a container's health; the status is "" when there is no such container."""
        answer = self._ask("GET", f"/containers/{_name(container)}/json")
        if _status(answer) == _NOT_FOUND:
            return Health(status="")
        health = _json(answer).get("State", {}).get("Health") or {}
        probes = health.get("Log") or []
        # The streak leaves out what failed in the start period; the log has the latest five.
        failed = len(list(takewhile(lambda probe: probe.get("ExitCode"), reversed(probes))))
        return Health(
            status=health.get("Status", ""),
            output=probes[-1].get("Output", "") if probes else "",
            failures=max(health.get("FailingStreak", 0), failed),
        )

    def stop_container(self, container: str) -> None:
        """Stop a container as its own timeout allows. Fine when there is none."""
        self._ask("POST", f"/containers/{_name(container)}/stop", timeout=_PATIENT)

    def remove_container(self, container: str) -> None:
        """Remove a container, running or not. Fine when there is none."""
        path = f"/containers/{_name(container)}"
        self._ask("DELETE", path, timeout=_PATIENT, force="true", v="true")

    def remove_pod(self, pod: str) -> None:
        """Remove a pod with its containers. Fine when there is none."""
        self._ask("DELETE", f"/pods/{_name(pod)}", timeout=_PATIENT, force="true")

    def networks(self) -> Sequence[Network]:
        """Return all networks."""
        return [
            Network(
                name=network["name"],
                subnets=tuple(subnet["subnet"] for subnet in network.get("subnets") or ()),
            )
            for network in _json(self._ask("GET", "/networks/json")) or []
        ]

    def remove_network(self, network: str) -> bool:
        """Remove a network; False when something still uses it. Fine when there is none."""
        return _status(self._ask("DELETE", f"/networks/{_name(network)}")) != _CONFLICT

    def volume_store(self) -> PurePosixPath:
        """Return the directory, on the host, in which the data of volumes are."""
        if not self._volume_directory:
            self._volume_directory = _json(self._ask("GET", "/info"))["store"]["volumePath"]
        return PurePosixPath(self._volume_directory)

    def volumes(self) -> frozenset[str]:
        """Return the volumes that there are, also those that only have their data left."""
        known = {v["Name"] for v in _json(self._ask("GET", "/volumes/json")) or []}
        listed = self._commands.run(["/usr/bin/ls", "-1A", "--", str(self.volume_store())])
        # The directory itself is made with the first volume.
        return frozenset(known | set(listed.output.split("\n")) - {""})

    def remove_volume(self, volume: str) -> bool:
        """Remove a volume and its data; False when something uses it. Fine when there is none."""
        # One whose name a reboot made podman forget is first made known again, with its data.
        body = json.dumps({"Name": volume, "IgnoreIfExists": True})
        self._ask("POST", "/volumes/create", data=body)
        return _status(self._ask("DELETE", f"/volumes/{_name(volume)}")) != _CONFLICT

    def create_secret(self, name: str, *, lookup: str) -> None:
        """Make a secret known by name, replacing one; podman runs `lookup` to get its value."""
        self.remove_secret(name)
        options = {
            "lookup": lookup,
            # The value is the secrets service's alone: there is nothing to list, store or delete.
            "list": "true",
            "store": "cat >/dev/null",
            "delete": "true",
        }
        # Podman wants a value to store, which goes nowhere.
        self._ask(
            "POST",
            "/secrets/create",
            data=b"-",
            name=name,
            driver="shell",
            driveropts=json.dumps(options),
        )

    def remove_secret(self, name: str) -> None:
        """Make podman forget a secret's name. Fine when it does not know it."""
        self._ask("DELETE", f"/secrets/{_name(name)}")

    def _ask(
        self,
        method: str,
        path: str,
        *,
        timeout: float = _QUICK,
        data: bytes | str | None = None,
        **parameters: str,
    ) -> "APIResponse":
        """Return the answer to a request; what fails for other reasons than the name raises."""
        with self._api(timeout=timeout) as api:
            send: Callable[..., APIResponse] = {
                "GET": api.get,
                "POST": partial(api.post, data=data),
                "DELETE": api.delete,
            }[method]
            answer = send(path, params=parameters)
            _ = answer.content  # read before the connection is given back
        fine = (_NOT_MODIFIED, _NOT_FOUND, _CONFLICT)
        if answer.status_code < 300 or answer.status_code in fine:
            return answer
        try:
            said = answer.json().get("message", "")
        except ValueError:
            said = answer.text
        if _VANISHED in said:
            answer.status_code = _NOT_FOUND
            return answer
        raise self._unavailable(f"It answers {answer.status_code} to {method} {path}: {said}")

    @contextmanager
    def _api(self, *, timeout: float | None) -> Iterator["APIClient"]:
        import podman  # half a second and much memory: only where podman is asked
        from podman.errors import PodmanError

        client = podman.PodmanClient(base_url=f"unix://{self._socket}", timeout=timeout)
        try:
            yield client.api
        except (OSError, PodmanError, ValueError) as error:
            raise self._unavailable(f"Asking {self._socket} fails: {error}") from None
        finally:
            client.close()

    @staticmethod
    def _unavailable(why: str) -> PodmanUnavailable:
        return PodmanUnavailable(
            "Podman's API does not do what it is asked.",
            why=f"{' '.join(why.split()).rstrip('.')}.",
            next_step="Look at `systemctl status leger-podman.socket leger-podman.service`"
            " (`--user` in the user scope).",
        )


def _name(name: str) -> str:
    return quote(name, safe="")


def _status(answer: "APIResponse") -> int:
    return int(answer.status_code)


def _json(answer: "APIResponse") -> Any:
    return answer.json()
