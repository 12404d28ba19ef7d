"""Choosing among the secrets that are stored."""

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leger_runtime.errors import Kind, LegerError

from leger_cli.context import PATIENCE
from leger_cli.formats import MAX_SECRETS
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.secrets.v1.secrets_pb2 import SecretInfo
    from leger.secrets.v1.secrets_pb2_grpc import SecretsServiceStub


class NoSecretMatches(LegerError):
    """Nothing is stored under any name that a pattern fits."""

    kind, reason = Kind.NOT_FOUND, "SECRET_NOT_FOUND"


class TooManySecrets(LegerError):
    """More secrets than one answer carries."""

    kind, reason = Kind.INVALID, "TOO_MANY_SECRETS"


def by_pattern(secrets: "Sequence[SecretInfo]", pattern: str) -> "list[SecretInfo]":
    """Return the secrets whose name the pattern fits; in it `*` is any text, slashes too."""
    fits = _compiled(pattern)
    return [secret for secret in secrets if fits.fullmatch(secret.name)]


def by_notes(
    secrets: "Sequence[SecretInfo]", *, labels: Sequence[str], only_due: bool
) -> "list[SecretInfo]":
    """Return the secrets that have all the labels, KEY or KEY=VALUE, and are due if `only_due`."""
    from leger_cli.views import due

    now = time.time()
    wanted = [label.partition("=") for label in labels]
    return [
        secret
        for secret in secrets
        if all(
            key in secret.notes.labels and (not equals or secret.notes.labels[key] == value)
            for key, equals, value in wanted
        )
        and (not only_due or due.needs_attention(secret, now))
    ]


def by_name(client: "SecretsServiceStub", names: Sequence[str]) -> list[str]:
    """Return the names, and in the place of each pattern the stored names that it fits, once each.

    In a pattern `*` is any text, slashes too. A name without one is not looked up. Raises
    NoSecretMatches and TooManySecrets.
    """
    from leger.secrets.v1.secrets_pb2 import ListSecretsRequest

    stored: list[str] = []
    if any("*" in name for name in names):
        answer = client.ListSecrets(ListSecretsRequest(), timeout=PATIENCE)
        stored = [secret.name for secret in answer.secrets]
    chosen: dict[str, None] = {}
    for name in names:
        fitting = [name]
        if "*" in name:
            fitting = list(filter(_compiled(name).fullmatch, stored))
        if not fitting:
            raise NoSecretMatches(
                f"There is no secret that {name} fits.",
                why=f"None of {words.counted(len(stored), 'secret')} has such a name.",
                next_step="See what there is: `leger secrets list`.",
            )
        chosen.update(dict.fromkeys(fitting))
    if len(chosen) > MAX_SECRETS:
        raise TooManySecrets(
            f"{len(chosen):,} secrets are too many at once.",
            why=f"One answer of the service carries {MAX_SECRETS:,}.",
            next_step="Take them in parts, such as 'a*' and 'b*'.",
        )
    return list(chosen)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
