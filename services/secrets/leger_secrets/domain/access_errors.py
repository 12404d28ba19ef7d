"""Why grants and tokens are refused: one class a reason, as the contract names them."""

from leger_runtime.errors import FieldViolation, Kind, LegerError


class InvalidAction(LegerError):
    """A word that is none of setec's six actions."""

    kind, reason = Kind.INVALID, "INVALID_ACTION"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step="See which actions there are: `leger secrets can --help`.",
            violations=[FieldViolation(field="action", description=why)],
        )


class InvalidPrincipal(LegerError):
    """A text that names no principal."""

    kind, reason = Kind.INVALID, "INVALID_PRINCIPAL"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step="See which rules there are, and whom they name: `leger secrets policy`.",
            violations=[FieldViolation(field="principal", description=why)],
        )


class InvalidGrant(LegerError):
    """A grant that says nothing, or what no grant can say; `field` is where it stands."""

    kind, reason = Kind.INVALID, "INVALID_GRANT"

    def __init__(self, why: str, *, field: str) -> None:
        super().__init__(
            "The grant cannot be made.",
            why=why,
            next_step="Grant actions on patterns, such as `get,info` on `prod/*`.",
            violations=[FieldViolation(field=field, description=why)],
        )


class InvalidExpiry(LegerError):
    """A token that would be worthless from the start."""

    kind, reason = Kind.INVALID, "INVALID_EXPIRY"

    def __init__(
        self, name: str, why: str = "The time at which it would expire is not in the future."
    ) -> None:
        super().__init__(
            f"The token {name} was not made.",
            why=why,
            next_step="Choose a later time, or none: a token can be revoked at any time.",
            violations=[FieldViolation(field="expire_time", description=why)],
        )


class TokenExists(LegerError):
    """A name that a token has already."""

    kind, reason = Kind.CONFLICT, "TOKEN_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a token {name} already.",
            why="A name is for one token; whoever holds that one would lose it.",
            next_step=f"Choose another name, or revoke it first: `leger auth token revoke {name}`.",
        )


class TokenNotFound(LegerError):
    """A name that no token has."""

    kind, reason = Kind.NOT_FOUND, "TOKEN_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no token {name}.",
            why="None was made under that name, or it was revoked.",
            next_step="List the tokens there are: `leger auth token list`.",
        )
