"""Why the secrets service refuses: one class a reason, as the contract names them."""

from leger_runtime.errors import FieldViolation, Kind, LegerError

_SHOWN = 10  # names in a sentence; the violations have them all


class InvalidName(LegerError):
    """A name that may not enter the store; `field` is the request's field that holds it."""

    kind, reason = Kind.INVALID, "INVALID_NAME"

    def __init__(self, what: str, why: str, *, field: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step="Choose another name.",
            violations=[FieldViolation(field=field, description=why)],
        )


class InvalidVersion(LegerError):
    """A version number that no version can have."""

    kind, reason = Kind.INVALID, "INVALID_VERSION"

    def __init__(self, version: int) -> None:
        why = "Versions count from 1 to 4294967295."
        super().__init__(
            f"{version} is not a version number.",
            why=why,
            next_step="List the versions there are: `leger secrets info NAME`.",
            violations=[FieldViolation(field="version", description=why)],
        )


class ValueTooLarge(LegerError):
    """A value, or several together, beyond what can be handed out."""

    kind, reason = Kind.INVALID, "VALUE_TOO_LARGE"

    def __init__(self, what: str, *, why: str, next_step: str, field: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step=next_step,
            violations=[FieldViolation(field=field, description=why)],
        )


class SecretNotFound(LegerError):
    """One or more secrets that are not stored."""

    kind, reason = Kind.NOT_FOUND, "SECRET_NOT_FOUND"

    def __init__(self, *names: str) -> None:
        if len(names) == 1:
            what = f"The secret {names[0]} is not stored."
            violations = []
        else:
            shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
            what = f"{len(names)} secrets are not stored: {shown}."
            violations = [FieldViolation(field=name, description="Not stored.") for name in names]
        super().__init__(
            what,
            why="No value was ever put under that name, or the secret was deleted.",
            next_step=f"Store it: `leger secrets put {names[0]}`. Those there are: `leger secrets"
            " list`.",
            violations=violations,
        )


class SecretEmpty(LegerError):
    """A secret that a unit cannot be given, as its active value has no bytes."""

    kind, reason = Kind.CONFLICT, "SECRET_EMPTY"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The active value of {name} is empty.",
            why="A unit cannot tell an empty credential from one that could not be read.",
            next_step=f"Store a value: `leger secrets put {name}`.",
        )


class NotForEnvironment(LegerError):
    """A version that no unit can have as an environment variable."""

    kind, reason = Kind.CONFLICT, "NOT_FOR_ENVIRONMENT"

    def __init__(self, name: str, version: int) -> None:
        super().__init__(
            f"Version {version} of {name} was not made the active one.",
            why="Its value holds a byte of zero, and a unit gets it as an environment variable, in"
            " which there can be none.",
            next_step="Choose a value without one, or have the unit get it as a file (`Secret=`"
            " without type=env) and install its stack again.",
        )


class VersionNotFound(LegerError):
    """A version that a stored secret does not have."""

    kind, reason = Kind.NOT_FOUND, "VERSION_NOT_FOUND"

    def __init__(self, name: str, version: int) -> None:
        super().__init__(
            f"The secret {name} has no version {version}.",
            why="That version was never stored, or it was deleted.",
            next_step=f"List the versions there are: `leger secrets info {name}`.",
        )


class VersionClaimed(LegerError):
    """A version number that was used before, perhaps by a version that is deleted now."""

    kind, reason = Kind.CONFLICT, "VERSION_CLAIMED"

    def __init__(self, name: str, version: int) -> None:
        super().__init__(
            f"Version {version} of the secret {name} is taken.",
            why="That number was used before, and a number is never used for a second value.",
            next_step=f"Choose a number that `leger secrets info {name}` does not show.",
        )


class VersionActive(LegerError):
    """The active version, which cannot be deleted alone."""

    kind, reason = Kind.CONFLICT, "VERSION_ACTIVE"

    def __init__(self, name: str, version: int) -> None:
        super().__init__(
            f"Version {version} of the secret {name} was not deleted.",
            why="It is the active version, the one that units are given.",
            next_step="Activate another version first, or delete the whole secret.",
        )


class SecretInUse(LegerError):
    """A secret that units are bound to, and so is not deleted without force."""

    kind, reason = Kind.CONFLICT, "SECRET_IN_USE"

    def __init__(self, name: str, units: tuple[str, ...]) -> None:
        super().__init__(
            f"The secret {name} was not deleted.",
            why=f"It is given to {', '.join(units)}, which could not start without it.",
            next_step="Remove the stack that names it first, or delete it with `--force`.",
        )


class UnitBound(LegerError):
    """A unit that gets its secrets through another stack."""

    kind, reason = Kind.CONFLICT, "UNIT_BOUND"

    def __init__(self, unit: str, *, stack: str, owner: str) -> None:
        super().__init__(
            f"The stack {stack} cannot bind secrets to {unit}.",
            why=f"That unit belongs to the stack {owner}.",
            next_step=f"Rename the unit, or remove the stack {owner} first.",
        )


class AccessDenied(LegerError):
    """An action that no rule allows the principal."""

    kind, reason = Kind.NOT_PERMITTED, "NOT_PERMITTED"

    def __init__(self, principal: str, action: str, secret: str) -> None:
        super().__init__(
            f"{principal} may not {action} the secret {secret}.",
            why="No rule grants it.",
            next_step=f"Ask the operator: `leger secrets can {principal} {action} {secret}` tells"
            " which rules there are.",
        )


class NotBound(LegerError):
    """A credential that a unit asked for and may not have."""

    kind, reason = Kind.NOT_PERMITTED, "NOT_BOUND"

    def __init__(self, unit: str, credential: str) -> None:
        super().__init__(
            f"{unit} may not have the credential {credential}.",
            why="No stack that is installed names that secret for that unit.",
            next_step="Name it by `Secret=` in the unit's Quadlet, then install its stack again.",
        )


class StoreSealed(LegerError):
    """The store is closed, and its key is not in this process."""

    kind, reason = Kind.UNAVAILABLE, "STORE_SEALED"

    def __init__(self, why: str) -> None:
        super().__init__(
            "The secrets store is sealed: no secret can be read or written.",
            why=why,
            next_step="See `leger secrets status`, then open it: `leger secrets unseal`.",
        )


class StoreUnavailable(LegerError):
    """The store could not be read or written; nothing was changed."""

    kind, reason = Kind.UNAVAILABLE, "STORE_UNAVAILABLE"

    def __init__(self, why: str) -> None:
        super().__init__(
            "The secrets store could not be used, and nothing was changed.",
            why=why,
            next_step="Free the disk of the store's directory or see to it, then try again.",
        )


class AuditUnavailable(LegerError):
    """The decision could not be written to the audit log, so it was not carried out."""

    kind, reason = Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE"

    def __init__(
        self,
        why: str,
        *,
        what: str = "The request was refused, because it could not be written to the audit log.",
        next_step: str = "Free the disk of the audit log's directory or see to it, then try again.",
    ) -> None:
        super().__init__(what, why=why, next_step=next_step)
