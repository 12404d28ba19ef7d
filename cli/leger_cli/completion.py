"""What the shell offers after TAB: names from the live services, nothing when they are silent."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

from leger_cli.context import Session

# A person waits with the finger on the key.
_PATIENCE = 1.0


def secrets(context: typer.Context) -> list[str]:
    """Return the names of all secrets."""
    return _quietly(_secrets, context.obj)


def stacks(context: typer.Context) -> list[str]:
    """Return the names of all stacks."""
    return _quietly(_stacks, context.obj)


def services(context: typer.Context) -> list[str]:
    """Return the names of all services."""
    return _quietly(_services, context.obj)


def services_and_stacks(context: typer.Context) -> list[str]:
    """Return all that `leger services start` takes."""
    return sorted({*services(context), *stacks(context)})


def _quietly(names: Callable[[Session], Iterable[str]], session: Session) -> list[str]:
    # Whatever goes wrong, an error in the middle of a line that is being typed helps nobody.
    with suppress(Exception):
        return list(names(session))
    return []


def _secrets(session: Session) -> Iterable[str]:
    from leger.secrets.v1.secrets_pb2 import ListSecretsRequest

    with session.secrets() as client:
        answer = client.ListSecrets(ListSecretsRequest(), timeout=_PATIENCE)
    return [secret.name for secret in answer.secrets]


def _stacks(session: Session) -> Iterable[str]:
    from leger.deployer.v1.deployer_pb2 import ListStacksRequest

    with session.deployer() as client:
        answer = client.ListStacks(ListStacksRequest(), timeout=_PATIENCE)
    return [stack.name for stack in answer.stacks]


def _services(session: Session) -> Iterable[str]:
    from leger.deployer.v1.deployer_pb2 import GetStatusRequest

    with session.deployer() as client:
        answer = client.GetStatus(GetStatusRequest(), timeout=_PATIENCE)
    return [service.service for service in answer.services]
