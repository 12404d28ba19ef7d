"""The secrets that a container's command line names, and how the unit gets each."""

from collections.abc import Callable

from leger_deployer.domain import secret_options
from leger_deployer.domain.drop_in import podman_secret_name
from leger_deployer.domain.podman_command import PodmanCommand
from leger_deployer.domain.secret_options import (
    MAX_UNIT_AND_CREDENTIAL,
    SecretOptions,
    SecretOptionsInvalid,
    SecretType,
    credential_name,
)
from leger_deployer.domain.stack import SecretUse


def named(
    unit: str, command: PodmanCommand, violation: Callable[[str], None]
) -> tuple[SecretOptions, ...]:
    """Return the secrets that the command of a unit names, each way of wanting one once.

    `violation` is told of what cannot be met. Raises SecretOptionsInvalid for what is no secret.
    """
    secrets = []
    for word in command.all("--secret"):
        try:
            secret = secret_options.parse(word)
        except SecretOptionsInvalid as error:
            raise SecretOptionsInvalid(f"Secret={word}: {error}") from None
        if problem := _problem(unit, secret, command):
            violation(f"Secret={word}: {problem}")
        secrets.append(secret)
    by_credential: dict[str, str] = {}
    for secret in secrets:
        other = by_credential.setdefault(credential_name(secret.secret), secret.secret)
        if other != secret.secret:
            violation(f"the secrets {other} and {secret.secret} are too alike; rename one")
    return tuple(dict.fromkeys(secrets))


def use(unit: str, secret: SecretOptions) -> SecretUse:
    """Return what is kept of a secret that a unit gets."""
    is_env = secret.type is SecretType.ENV
    return SecretUse(
        unit=unit,
        secret=secret.secret,
        credential=credential_name(secret.secret),
        type=secret.type.value,
        target=secret.target,
        podman_secret=podman_secret_name(unit, secret.secret) if is_env else "",
    )


def _problem(unit: str, secret: SecretOptions, command: PodmanCommand) -> str:
    length = len(unit) + len(credential_name(secret.secret))
    if length > MAX_UNIT_AND_CREDENTIAL:
        return (
            f"the names of unit and secret have {length} characters together, and systemd can"
            f" ask for {MAX_UNIT_AND_CREDENTIAL} at most"
        )
    if "%" in secret.secret:
        return "the secret's name holds a specifier, and must be one that is known beforehand"
    if not secret.target.isprintable():
        return "the target holds a character that cannot be printed"
    if secret.type is not SecretType.MOUNT:
        return ""
    if ":" in secret.target:
        return "the target holds a colon, which a mount cannot have"
    if command.last("--userns") and (secret.uid or secret.gid):
        return "uid= and gid= cannot be met together with UserNS=; leave them out"
    return ""
