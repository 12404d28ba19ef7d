"""What a unit is handed when it starts."""

from typing import NamedTuple, Protocol

from leger_runtime.errors import LegerError

from leger_secrets.domain import names
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller, new_request_id
from leger_secrets.domain.errors import NotBound, SecretEmpty, SecretNotFound
from leger_secrets.domain.handouts import Handouts
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.store import Reader, SecretStore
from leger_secrets.domain.value import SecretValue


class UnitJournal(Protocol):
    """The journal of a unit, where a person looks when it does not start."""

    def tell(self, unit: str, message: str) -> None:
        """Add a line to it. Never raises: a unit is refused whether or not this can be told."""
        ...


class _Decided(NamedTuple):
    secret: str
    version: int
    value: SecretValue


class Credentials:
    """Decides what a unit gets: exactly the secrets that are bound to it, and nothing else."""

    def __init__(
        self,
        *,
        store: SecretStore,
        audit: AuditLog,
        refusals: Refusals,
        handouts: Handouts,
        journal: UnitJournal,
    ) -> None:
        self._store = store
        self._audit = audit
        self._refusals = refusals
        self._handouts = handouts
        self._journal = journal

    def hand_out(self, unit: str, credential: str) -> SecretValue:
        """Return the active value of the secret that is bound to the unit as this credential.

        A binding of "web@.service" serves "web@x.service". Raises InvalidName, NotBound,
        SecretNotFound, SecretEmpty, StoreUnavailable, AuditUnavailable, after the refusal is noted
        and in the unit's journal.
        """
        try:
            secret, version, value = self._decide(unit, credential)
        except LegerError as refusal:
            self._refusals.note(unit, credential, refusal)
            self._journal.tell(
                unit, f"leger refuses the credential {credential}: {refusal} {refusal.next_step}"
            )
            raise
        self._refusals.forget_credential(unit, credential)
        self._handouts.note(unit, credential, secret=secret, version=version)
        return value

    def _decide(self, unit: str, credential: str) -> _Decided:
        asked = AuditEntry(
            Caller(f"unit:{unit}", new_request_id()), Action.GET, unit=unit, credential=credential
        )
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
            return _Decided(secret, found.version, found.value)


def _bound_secret(store: Reader, unit: str, credential: str) -> str | None:
    secret = store.bound_secret(unit, credential)
    template = names.template_of(unit)
    if secret is None and template is not None:
        return store.bound_secret(template, credential)
    return secret
