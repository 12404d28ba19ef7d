"""What the shell offers after TAB: names from the live services, nothing when they are silent."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

from leger_cli.context import Session

# A person waits with the finger on the key.
_PATIENCE = 1.0


def secrets(context: typer.Context) -> list[str]:
    """Return the names of all secrets."""
    return stored(context.obj)


def stored(session: Session) -> list[str]:
    """Return the names of all secrets; none where they cannot be listed."""
    return _quietly(_secrets, session)


def backups(context: typer.Context) -> list[str]:
    """Return the names of the scheduled backups that are kept."""
    return _quietly(_backups, context.obj)


def stacks(context: typer.Context) -> list[str]:
    """Return the names of all stacks."""
    return _quietly(_stacks, context.obj)


def services(context: typer.Context) -> list[str]:
    """Return the names of all services."""
    return _quietly(_services, context.obj)


def services_and_stacks(context: typer.Context) -> list[str]:
    """Return all that `leger services start` takes."""
    return sorted({*services(context), *stacks(context)})


def tokens(context: typer.Context) -> list[str]:
    """Return the names of all tokens."""
    return _quietly(_tokens, context.obj)


def principals(context: typer.Context) -> list[str]:
    """Return the principals that the rules in force name, and those of all tokens."""
    return _quietly(_principals, context.obj)


def actions() -> list[str]:
    """Return what can be done with a secret."""
    return ["get", "info", "put", "create-version", "activate", "delete"]


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


def _tokens(session: Session) -> Iterable[str]:
    from leger.secrets.v1.access_pb2 import ListTokensRequest

    with session.access() as client:
        answer = client.ListTokens(ListTokensRequest(), timeout=_PATIENCE)
    return [token.name for token in answer.tokens]


def _principals(session: Session) -> Iterable[str]:
    from leger.secrets.v1.access_pb2 import GetPolicyRequest

    with session.access() as client:
        answer = client.GetPolicy(GetPolicyRequest(), timeout=_PATIENCE)
    named = {principal for rule in answer.rules for principal in rule.principals}
    return sorted(
        {*(each for each in named if "*" not in each), *(f"token:{t}" for t in _tokens(session))}
    )


def _backups(session: Session) -> Iterable[str]:
    from leger.secrets.v1.backup_pb2 import ListBackupsRequest

    with session.backups() as client:
        answer = client.ListBackups(ListBackupsRequest(), timeout=_PATIENCE)
    return [backup.file for backup in answer.backups]


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
