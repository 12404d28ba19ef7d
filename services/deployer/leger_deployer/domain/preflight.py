"""What a host must have before anything can be deployed to it."""

import re

from leger_deployer.domain.errors import PodmanMissing, PodmanTooOld
from leger_deployer.domain.ports.host_commands import HostCommands

# GlobalArgs= for every kind of Quadlet, pods and Notify=healthy work alike from here on.
OLDEST_PODMAN = (5, 4)


def check_podman(commands: HostCommands) -> None:
    """Raise PodmanMissing or PodmanTooOld unless the host's podman will do."""
    answer = commands.run(["/usr/bin/env", "podman", "--version"])
    found = re.search(r"(\d+)\.(\d+)\S*", answer.output)
    if answer.status != 0 or found is None:
        said = answer.messages.strip().splitlines()
        raise PodmanMissing(
            "The host has no podman that works.",
            why="`podman --version` is not found on the host."
            if answer.status == 127
            else f"`podman --version` ends with status {answer.status}"
            f"{': ' + said[-1] if said else ''}.",
            next_step="Install podman 5.4 or newer, and try again.",
        )
    if (int(found[1]), int(found[2])) < OLDEST_PODMAN:
        raise PodmanTooOld(
            "The host's podman is too old.",
            why=f"It is podman {found[0]}; leger needs 5.4 or newer.",
            next_step="Upgrade podman, and try again.",
        )
