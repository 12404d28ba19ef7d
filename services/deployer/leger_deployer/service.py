"""The running service, from its start to its end."""

from leger_runtime.server import UnixServer

from leger_deployer.background import Background
from leger_deployer.domain.recovery import Recovery


class DeployerService:
    """The running service: `start` it, and `stop` it gracefully."""

    status = "Deploying stacks."

    def __init__(self, *, server: UnixServer, recovery: Recovery, going_back: Background) -> None:
        self._server = server
        self._recovery = recovery
        self._going_back = going_back

    def start(self) -> None:
        """Finish what an earlier process left half done, then serve. Raises OSError.

        Going back from a rollout needs the secrets service, and time: it is begun only.
        """
        self._recovery.try_to_finish()
        self._server.start()
        self._going_back.start()

    def stop(self) -> None:
        """Stop serving. A change that is under way is undone at the next start."""
        self._going_back.stop()
        self._server.stop()
