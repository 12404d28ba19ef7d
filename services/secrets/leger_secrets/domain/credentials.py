"""What a unit is handed when it starts."""

from typing import Protocol

from leger_runtime.errors import LegerError

from leger_secrets.domain import names
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.errors import NotBound, SecretEmpty, SecretNotFound
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.store import Reader, SecretStore
from leger_secrets.domain.value import SecretValue


class UnitJournal(Protocol):
    """The journal of a unit, where a person looks when it does not start."""

    def tell(self, unit: str, message: str) -> None:
        """Add a line to it. Never raises: a unit is refused whether or not this can be told."""
        ...


class Credentials:
    """Decides what a unit gets: exactly the secrets that are bound to it, and nothing else."""

    def __init__(
        self, *, store: SecretStore, audit: AuditLog, refusals: Refusals, journal: UnitJournal
    ) -> None:
        self._store = store
        self._audit = audit
        self._refusals = refusals
        self._journal = journal

    def hand_out(self, unit: str, credential: str) -> SecretValue:
        """Return the active value of the secret that is bound to the unit as this credential.

        A binding of "web@.service" serves "web@x.service". Raises InvalidName, NotBound,
        SecretNotFound, SecretEmpty, StoreUnavailable, AuditUnavailable, after the refusal is noted
        and in the unit's journal.
        """
        try:
            value = self._decide(unit, credential)
        except LegerError as refusal:
            self._refusals.note(unit, credential, refusal)
            self._journal.tell(
                unit, f"leger refuses the credential {credential}: {refusal} {refusal.next_step}"
            )
            raise
        self._refusals.forget_credential(unit, credential)
        return value

    def _decide(self, unit: str, credential: str) -> SecretValue:
        asked = AuditEntry(f"unit:{unit}", Action.GET, credential=credential)
        with Decision(self._audit, asked) as decision:
            names.check_unit(unit)
            names.check_credential(credential)
            with self._store.reading() as store:
                secret = _bound_secret(store, unit, credential)
                if secret is None:
                    raise NotBound(unit, credential)
                asked = asked._replace(secret=secret)
                decision.concerns(asked)
                found = store.find(secret, 0)
            if found is None or found.value is None:
                raise SecretNotFound(secret)
            if not found.value:
                raise SecretEmpty(secret)
            decision.allow(asked._replace(version=found.version))
            return found.value


def _bound_secret(store: Reader, unit: str, credential: str) -> str | None:
    secret = store.bound_secret(unit, credential)
    template = names.template_of(unit)
    if secret is None and template is not None:
        return store.bound_secret(template, credential)
    return secret
