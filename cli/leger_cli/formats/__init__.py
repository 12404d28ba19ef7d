"""Files of many secrets: `.env`, JSON and YAML, from bytes to names with values, and back."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath

from leger_runtime.errors import FieldViolation, Kind, LegerError

from leger_cli.errors import UsageError

# The proto's limit for one import.
MAX_SECRETS = 1_000
# What one message to the service carries, in bytes; no file of secrets comes near it.
MAX_BYTES = 7_000_000


class Format(StrEnum):
    """How a file says which secret has which value."""

    ENV = "env"
    JSON = "json"
    YAML = "yaml"


class FileInvalid(LegerError):
    """A file that does not say, or not clearly, which secret has which value."""

    kind, reason = Kind.INVALID, "FILE_INVALID"

    @classmethod
    def because(cls, form: Format, *violations: FieldViolation, next_step: str) -> "FileInvalid":
        """Return the error for what is wrong in a file; nothing of its content is in it."""
        return cls(
            f"The file cannot be read as {form}.",
            why="Nothing was stored, as this is wrong in it:",
            next_step=next_step,
            violations=violations,
        )


class NotRepresentable(LegerError):
    """Values that a format has no way to write."""

    kind, reason = Kind.INVALID, "NOT_REPRESENTABLE"

    @classmethod
    def because(cls, form: Format, violations: list[FieldViolation]) -> "NotRepresentable":
        """Return the error; each violation names a secret and what about it is in the way."""
        return cls(
            f"{len(violations)} of the secrets cannot be written as {form}.",
            why="Whoever reads the file would get another value, or none:",
            next_step="Export these apart, as another format or with `leger secrets get`.",
            violations=violations,
        )


def of_name(name: str) -> Format:
    """Return the format that a file's name says: `.json`, `.yaml`, `.yml`, or with env in it.

    Raises UsageError for any other name.
    """
    path = PurePath(name)
    match path.suffix.lower():
        case ".json":
            return Format.JSON
        case ".yaml" | ".yml":
            return Format.YAML
    if "env" in path.name.lower().split("."):  # .env, prod.env, .env.local
        return Format.ENV
    raise UsageError(
        "It is not clear how the file is written.",
        why="Its name is not like `.env`, `x.json` or `x.yaml`.",
        next_step="Say it with --format.",
    )


def parse(data: bytes, form: Format) -> dict[str, bytes]:
    """Return the secrets that a file names, with their values, in its order.

    Raises FileInvalid, which never repeats a value.
    """
    from leger_cli.formats import env, trees

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileInvalid.because(
            form,
            FieldViolation(field="content", description="It is not UTF-8."),
            next_step="Store values that are no text one by one: `leger secrets put NAME`.",
        ) from None
    parsers = {
        Format.ENV: env.parse,
        Format.JSON: trees.parse_json,
        Format.YAML: trees.parse_yaml,
    }
    values = parsers[form](text)
    wrong = [
        FieldViolation(field=name, description="Its value is empty.")
        for name, value in values.items()
        if not value
    ]
    if not values:
        wrong.append(FieldViolation(field="content", description="It names no secret."))
    if wrong:
        raise FileInvalid.because(
            form, *wrong, next_step="Give each secret a value, or take it out of the file."
        )
    return values


def dump(values: Mapping[str, bytes], form: Format) -> str:
    """Return the file that names these secrets, from which `parse` gets the values again.

    Raises NotRepresentable.
    """
    from leger_cli.formats import env, trees

    writers = {
        Format.ENV: env.dump,
        Format.JSON: trees.dump_json,
        Format.YAML: trees.dump_yaml,
    }
    return writers[form](values)
