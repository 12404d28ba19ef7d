"""`.env` files: variables for a shell and for the dotenv libraries of many languages."""

import re
from collections.abc import Mapping
from io import StringIO

from leger_runtime.errors import FieldViolation

from leger_cli.formats import FileInvalid, Format, NotRepresentable

# XCU, "Definitions", "Name": what a shell can refer to.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def variable(secret: str) -> str:
    """Return the variable that is a secret's when none is named: APP_API_KEY for app/api-key."""
    name = re.sub(r"[^A-Za-z0-9]", "_", secret).upper()
    return f"_{name}" if name[:1].isdigit() else name


def parse(text: str) -> dict[str, bytes]:
    """Return the variables that a file assigns, in its order.

    By python-dotenv's rules, without its expansion of `${NAME}`: a value is stored as it is
    written. Raises FileInvalid for lines that assign nothing, and for a name given twice.
    """
    from dotenv.parser import parse_stream

    values: dict[str, bytes] = {}
    lines: dict[str, int] = {}
    wrong: list[FieldViolation] = []

    # python-dotenv reads files with universal newlines, so a line end inside quotes is "\n".
    for binding in parse_stream(StringIO(re.sub(r"\r\n?", "\n", text))):
        # The text of a binding begins with the blank lines above it.
        string = binding.original.string
        line = binding.original.line + string[: len(string) - len(string.lstrip())].count("\n")
        # Only names behind which there is a "=" are repeated: a lone word may be a value.
        if binding.error:
            wrong.append(_violation(line, "It is no assignment, or a quotation mark is missing."))
        elif binding.key is None:
            continue  # a comment, or the end
        elif binding.value is None:
            wrong.append(_violation(line, "There is no `=` in it."))
        elif binding.key in values:
            first = lines[binding.key]
            wrong.append(_violation(line, f"{binding.key} has a value in line {first} already."))
        else:
            values[binding.key], lines[binding.key] = binding.value.encode(), line
    if wrong:
        raise FileInvalid.because(
            Format.ENV, *wrong, next_step="Write each line as NAME='value', then import it again."
        )
    return values


def dump(values: Mapping[str, bytes]) -> str:
    """Return a file that gives a POSIX shell (`set -a; . FILE`) and dotenv libraries these values.

    The variables are named as `variable` says. Raises NotRepresentable, also for two secrets that
    would have one variable.
    """
    lines: dict[str, str] = {}
    owners: dict[str, str] = {}
    wrong: list[FieldViolation] = []
    for secret, value in values.items():
        name = variable(secret)
        try:
            quoted = _quoted(value)
        except ValueError as error:
            wrong.append(FieldViolation(field=secret, description=str(error)))
            continue
        if name in owners:
            clash = f"Its variable would be {name}, as that of {owners[name]}."
            wrong.append(FieldViolation(field=secret, description=clash))
        owners[name] = secret
        lines[name] = f"{name}={quoted}\n"
    if wrong:
        raise NotRepresentable.because(Format.ENV, wrong)
    return "".join(lines.values())


def _quoted(value: bytes) -> str:
    """Return the value in quotation marks that shells and dotenv libraries undo alike.

    Raises ValueError, with a sentence that says nothing of the value, when there are none.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise ValueError("It is not UTF-8.") from None
    if "\0" in text:
        raise ValueError("It has a NUL byte, which no variable can hold.")
    if "\r" in text:
        raise ValueError("It has a carriage return, which dotenv libraries turn into a line end.")
    # Between apostrophes a shell knows no escape, while dotenv libraries undo \\ and \'.
    if "'" not in text and "\\\\" not in text and not text.endswith("\\"):
        return f"'{text}'"
    # Between quotation marks both undo \\ and \", but only a shell undoes \$ and \`.
    if "$" not in text and "`" not in text:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    raise ValueError(
        "It has ' or \\ together with $ or `, which shells and dotenv libraries quote differently."
    )


def _violation(line: int, description: str) -> FieldViolation:
    return FieldViolation(field=f"line {line}", description=description)
