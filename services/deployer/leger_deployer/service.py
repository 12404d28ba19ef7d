"""The running service, from its start to its end."""

from collections.abc import Sequence

from leger_runtime.server import UnixServer

from leger_deployer.background import Background
from leger_deployer.domain.recovery import Recovery


class DeployerService:
    """The running service: `start` it, and `stop` it gracefully."""

    status = "Deploying stacks."

    def __init__(
        self, *, server: UnixServer, recovery: Recovery, later: Sequence[Background]
    ) -> None:
        self._server = server
        self._recovery = recovery
        self._later = later

    def start(self) -> None:
        """Finish what an earlier process left half done, then serve. Raises OSError.

        What needs the secrets service, and time, is begun only: going back from a rollout, and
        binding units again.
        """
        self._recovery.try_to_finish()
        self._server.start()
        for background in self._later:
            background.start()

    def stop(self) -> None:
        """Stop serving. A change that is under way is undone at the next start."""
        for background in self._later:
            background.stop()
        self._server.stop()
