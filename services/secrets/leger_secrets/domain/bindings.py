"""Which unit gets which secret."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from leger_secrets.domain import limits, names
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import InvalidName, StoreSealed, StoreUnavailable, UnitBound
from leger_secrets.domain.handouts import Handout, Handouts
from leger_secrets.domain.refusals import Refusal, Refusals
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.stored import Author, Binding, StackBinding


class Bindings:
    """Every request about bindings. `by` is who makes it.

    A unit's bindings are those of one stack only, so that no stack can give itself the secrets of
    another by naming its units.
    """

    def __init__(
        self,
        *,
        store: SecretStore,
        audit: AuditLog,
        refusals: Refusals,
        handouts: Handouts,
        clock: Clock,
    ) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit
        self._refusals = refusals
        self._handouts = handouts

    def bind_stack(self, stack: str, bindings: Sequence[Binding], *, by: Caller) -> None:
        """Put `bindings` in the place of all that the stack has; one audit line for each change.

        A secret need not be stored yet. Raises InvalidName, UnitBound, StoreUnavailable,
        AuditUnavailable.
        """
        asked = AuditEntry(by, Action.BIND, stack=stack)
        with Decision(self._audit, asked) as decision:
            names.check_stack(stack)
            wanted = _checked(bindings)
            with self._store.writing(Author(by.principal, self._clock())) as store:
                stored = store.bindings()
                _check_owners(stack, wanted, stored)
                before = {b.binding for b in stored if b.stack == stack}
                store.replace_bindings(stack, sorted(wanted))
                changes = [
                    *_entries(asked, Action.UNBIND, before - wanted),
                    *_entries(asked, Action.BIND, wanted - before),
                ]
                decision.allow(*(changes or [asked]))
        self._refusals.forget_units(binding.unit for binding in before | wanted)

    def list_bindings(self, *, stack: str = "", secret: str = "") -> list[StackBinding]:
        """Return the bindings of a stack, of a secret, or all, sorted by stack and unit.

        Raises StoreUnavailable. It names secrets but answers nothing of them, so it is not audited.
        """
        with self._store.reading() as store:
            return store.bindings(stack=stack, secret=secret)

    def handed_out(self, binding: Binding) -> list[Handout]:
        """Return what each unit was last handed for a binding, sorted by unit."""
        return self._handouts.of(binding)

    def list_refusals(self) -> list[Refusal]:
        """Return the latest refusal of each unit, sorted by unit; one that is over says so."""
        latest = self._refusals.latest()
        if not any(refusal.reason == StoreSealed.reason for refusal in latest):
            return latest
        try:
            with self._store.reading():
                return [_with_an_open_store(refusal) for refusal in latest]
        except (StoreSealed, StoreUnavailable):
            return latest


def _with_an_open_store(refusal: Refusal) -> Refusal:
    if refusal.reason != StoreSealed.reason:
        return refusal
    said = "It did not get its secrets, as the store was sealed; that is open now, so start it."
    return replace(refusal, message=said)


def _checked(bindings: Sequence[Binding]) -> set[Binding]:
    """Return the bindings; raise InvalidName for a bad name or two secrets of one credential."""
    if len(bindings) > limits.MAX_BINDINGS:
        raise InvalidName(
            f"{len(bindings)} bindings are too many for one stack.",
            f"A stack has {limits.MAX_BINDINGS} at most.",
            field="bindings",
        )
    secrets: dict[tuple[str, str], str] = {}
    for number, binding in enumerate(bindings):
        field = f"bindings[{number}]"
        names.check_unit(binding.unit, field=f"{field}.unit")
        names.check_credential(binding.credential, field=f"{field}.credential")
        names.check_secret(binding.secret, field=f"{field}.secret")
        names.check_address(binding.unit, binding.credential, field=f"{field}.credential")
        other = secrets.setdefault((binding.unit, binding.credential), binding.secret)
        if other != binding.secret:
            raise InvalidName(
                f"{binding.unit} has two secrets for the credential {binding.credential}.",
                f"It names both {other} and {binding.secret}.",
                field=f"{field}.credential",
            )
    return set(bindings)


def _check_owners(stack: str, wanted: set[Binding], stored: Sequence[StackBinding]) -> None:
    owners = {b.binding.unit: b.stack for b in stored if b.stack != stack}
    # An instance gets what is bound to its template, so both must be of the same stack.
    owners_of_instances = {names.template_of(unit): owner for unit, owner in owners.items()}
    for unit in sorted({binding.unit for binding in wanted}):
        template = names.template_of(unit)
        owner = (
            owners.get(unit) or (template and owners.get(template)) or owners_of_instances.get(unit)
        )
        if owner:
            raise UnitBound(unit, stack=stack, owner=owner)


def _entries(asked: AuditEntry, action: Action, bindings: Iterable[Binding]) -> list[AuditEntry]:
    return [
        asked._replace(action=action, secret=b.secret, unit=b.unit, credential=b.credential)
        for b in sorted(bindings)
    ]
