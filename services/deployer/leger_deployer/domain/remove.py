"""Removing an installed stack."""

import logging
import threading
from dataclasses import dataclass

from leger_deployer.domain import installed
from leger_deployer.domain.intent import Intent, Operation
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.progress import Report
from leger_deployer.domain.recovery import Recovery
from leger_deployer.domain.stack import Generation
from leger_deployer.domain.teardown import Removed, Teardown

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Remover:
    """Removes stacks, one at a time."""

    files: StackFiles
    secrets: SecretsDirectory
    teardown: Teardown
    recovery: Recovery
    changing: threading.RLock

    def remove(self, stack: str, *, delete_volumes: bool, report: Report) -> Removed:
        """Stop a stack's units and take away all that is its own.

        Volumes are kept unless `delete_volumes`; those that another stack names are kept always.
        Raises InvalidName, StackNotFound.
        """
        with self.changing:
            self.recovery.finish()
            generation = installed.one_stack(self.files, stack)
            if generation.secrets:
                # Before anything is stopped: the end of a removal takes its secrets from it.
                self.secrets.stored()
            intent = Intent(
                operation=Operation.REMOVE,
                generation=generation,
                doomed_volumes=self._own_volumes(generation) if delete_volumes else (),
            )
            self.files.record_intent(intent)
            removed = self.teardown.run(intent, report)
            log.info("the stack %s is removed", stack)
            return removed

    def _own_volumes(self, generation: Generation) -> tuple[str, ...]:
        shared = {
            volume
            for other in installed.all_stacks(self.files)
            if other.stack != generation.stack
            for volume in other.volumes
        }
        return tuple(volume for volume in generation.volumes if volume not in shared)
