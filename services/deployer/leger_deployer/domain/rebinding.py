"""Keeping units bound to their secrets, whatever becomes of the secrets service's store.

Who gets which secret is written twice: in the records of the installed stacks, and as bindings in
the store. A store that is made anew, or put back as an old copy, has other bindings than the host
has stacks. The records are right then: nothing but an apply or a removal of a stack changes them.
"""

import logging
import threading
from collections.abc import Iterable

from leger_runtime.errors import LegerError

from leger_deployer.domain import installed
from leger_deployer.domain.errors import SecretsUnavailable
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.stack import Binding, SecretUse

log = logging.getLogger(__name__)


class Rebinder:
    """Makes the bindings agree with what is installed; `changing` is held by whoever changes it."""

    def __init__(
        self, *, files: StackFiles, secrets: SecretsDirectory, changing: threading.RLock
    ) -> None:
        self._files = files
        self._secrets = secrets
        self._changing = changing
        self._told = ""

    def rebind(self) -> None:
        """Bind every stack as its record says, and one that is not installed to nothing.

        Nothing is written where that is so already. A stack whose apply or removal is unfinished is
        left to its recovery. A stack that fails keeps none of the others from being tried; then the
        first failure is raised.
        """
        with self._changing:
            wanted = {stack.stack: stack.secrets for stack in installed.all_stacks(self._files)}
            unfinished = {intent.generation.stack for intent in self._files.intents()}
            bound = self._secrets.all_bindings()
            differing = [
                stack
                for stack in sorted((wanted.keys() | bound.keys()) - unfinished)
                if bound.get(stack, frozenset()) != _bindings(wanted.get(stack, ()))
            ]
            problems = list[LegerError]()
            # First what is to be taken away: a unit is one stack's only, and may be another's now.
            for stack in differing:
                has = bound.get(stack, frozenset())
                kept = [use for use in wanted.get(stack, ()) if use.binding in has]
                if has != _bindings(kept):
                    self._bind(stack, kept, problems)
            for stack in differing:
                if _bindings(wanted.get(stack, ())) - bound.get(stack, frozenset()):
                    self._bind(stack, wanted[stack], problems)
            if problems:
                raise problems[0]

    def try_to_rebind(self) -> None:
        """Do so as far as possible; what fails is in the journal."""
        try:
            self.rebind()
        except LegerError as error:
            log.warning("the bindings of stacks could not be checked: %s", error)

    def attend(self) -> bool:
        """Rebind now, and each time that the store is opened, for as long as the service is there.

        Returns False, as there is always a next time: when the service does not answer or its store
        is sealed, when it ends or is being sealed, or when binding failed.
        """
        try:
            with self._secrets.watch() as openness:
                for is_open in openness:
                    if not is_open:
                        break  # it may be about to end, and waits for whoever watches
                    self.rebind()
                    self._told = ""
        except SecretsUnavailable:
            pass  # whoever needs it says so
        except LegerError as error:
            if str(error) != self._told:  # not with each of many attempts
                log.error("the bindings of stacks are not all right: %s", error)
                self._told = str(error)
        return False

    def _bind(self, stack: str, uses: Iterable[SecretUse], problems: list[LegerError]) -> None:
        try:
            self._secrets.bind(stack, uses)
        except LegerError as error:
            problems.append(error)
        else:
            log.warning("the bindings of the stack %s were not as it is installed: mended", stack)


def _bindings(uses: Iterable[SecretUse]) -> frozenset[Binding]:
    return frozenset(use.binding for use in uses)
