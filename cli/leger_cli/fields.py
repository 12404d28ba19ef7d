"""Fields of requests, as errors name them, in the words of the command line."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from leger_runtime.errors import FieldViolation, Kind, LegerError

if TYPE_CHECKING:
    from typer._click import Parameter

# Which parameters of commands become a field; of these a command has one. \1 is a field's own.
_PARAMETERS: Sequence[tuple[str, Sequence[str]]] = (
    (r"(name|version|passphrase|principal|action|outcome|since)", (r"\1",)),
    (r"secret", ("secret", "name")),
    (r"names(\[\d+\])?", ("names", "secrets")),
    (r"patterns(\[\d+\])?", ("patterns",)),
    (r"secrets(\[\d+\]\.\w+)?", ("file",)),
    (r"(notes\.)?expire_time", ("expires",)),
    (r"notes\.(description)", (r"\1",)),
    (r"notes\.rotate_after_days", ("rotate_every",)),
    (r"notes\.labels(\..*)?|update_mask", ("labels",)),
    (r"grants(\[\d+\].*)?", ("allow",)),
    (r"recipients(\[\d+\])?", ("recipients", "add")),
    (r"recipe\.private_key\.algorithm", ("key",)),
    (r"recipe\.\w+\.(\w+)", (r"\1",)),
)


def as_typed(error: LegerError, parameters: "Sequence[Parameter]") -> tuple[FieldViolation, ...]:
    """Return an error's violations, with options and arguments of the command for their fields.

    A field that the command line does not have keeps its name, as a value has from a pipe. Only an
    input that is wrong has fields of the request; other errors name secrets, units or files.
    """
    if error.kind is not Kind.INVALID:
        return error.violations
    typed = {parameter.name or "": _shown(parameter) for parameter in parameters}
    return tuple(replace(wrong, field=_named(wrong.field, typed)) for wrong in error.violations)


def _named(field: str, typed: dict[str, str]) -> str:
    for pattern, names in _PARAMETERS:
        if found := re.fullmatch(pattern, field):
            fitting = (typed.get(found.expand(name)) for name in names)
            return next(filter(None, fitting), field)
    return field


def _shown(parameter: "Parameter") -> str:
    if parameter.param_type_name == "argument":
        return (parameter.metavar or parameter.human_readable_name).strip("[].")
    return max(parameter.opts, key=len)
