"""Finishing, or undoing, what an earlier process left half done."""

import logging
import threading
from dataclasses import dataclass

from leger_runtime.errors import LegerError

from leger_deployer.domain import progress
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.teardown import Teardown

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Looks after intents that nobody pursues any more; `changing` is held by whoever changes."""

    files: StackFiles
    teardown: Teardown
    changing: threading.RLock

    def finish(self) -> None:
        """Bring every such stack to an end: gone. Raises the first failure, if one fails."""
        with self.changing:
            for intent in self.files.intents():
                log.warning(
                    "the %s of the stack %s was interrupted; it is taken away",
                    intent.operation.value,
                    intent.generation.stack,
                )
                self.teardown.run(intent, progress.ignore)

    def try_to_finish(self) -> None:
        """Do so as far as possible; what fails is tried again before the next change."""
        try:
            self.finish()
        except LegerError as error:
            log.error("recovery is incomplete: %s", error)
