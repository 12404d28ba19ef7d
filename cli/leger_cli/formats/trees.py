"""JSON and YAML files: strings by name, in mappings whose names come before it with a slash."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from leger_runtime.errors import FieldViolation

from leger_cli.formats import MAX_BYTES, MAX_SECRETS, FileInvalid, Format, NotRepresentable

if TYPE_CHECKING:
    from yaml.nodes import Node

# A tree that is deeper leads back to itself.
_DEEPEST = 32
_TAG = "tag:yaml.org,2002:"

# Each leaf: its name, its value, and what is wrong with it if anything is.
_Leaf = tuple[str, bytes, str]


def parse_json(text: str) -> dict[str, bytes]:
    """Return the strings of a JSON object. Raises FileInvalid for anything else in it."""
    try:
        # Pairs, as a dict would hide that a name is given twice.
        document = json.loads(text, object_pairs_hook=tuple)
    except json.JSONDecodeError as error:
        raise _unreadable(Format.JSON, error.lineno, error.colno) from None
    except RecursionError:
        raise _no_mapping(Format.JSON) from None
    if not isinstance(document, tuple):
        raise _no_mapping(Format.JSON)
    return _collect(Format.JSON, _of_json(document, ()))


def parse_yaml(text: str) -> dict[str, bytes]:
    """Return the strings of a YAML mapping, `!!binary` ones too.

    Raises FileInvalid for anything else in it: a number without quotes may have lost digits.
    """
    import yaml

    try:
        # The tree of nodes, not of Python's values: nothing is constructed, and 0123 stays text.
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unreadable(
            Format.YAML, *((mark.line + 1, mark.column + 1) if mark else ())
        ) from None
    except (yaml.YAMLError, RecursionError):
        raise _unreadable(Format.YAML) from None
    if not isinstance(document, yaml.MappingNode):
        raise _no_mapping(Format.YAML)
    return _collect(Format.YAML, _of_yaml(document, ()))


def dump_json(values: Mapping[str, bytes]) -> str:
    """Return a flat JSON object. Raises NotRepresentable for values that are no text."""
    texts: dict[str, str] = {}
    wrong: list[FieldViolation] = []
    for name, value in values.items():
        try:
            texts[name] = value.decode()
        except UnicodeDecodeError:
            wrong.append(FieldViolation(field=name, description="It is not UTF-8."))
    if wrong:
        raise NotRepresentable.because(Format.JSON, wrong)
    return json.dumps(texts, indent=2, ensure_ascii=False) + "\n"


def dump_yaml(values: Mapping[str, bytes]) -> str:
    """Return a flat YAML mapping, with `!!binary` for values that are no text."""
    import yaml

    leaves: dict[str, str | bytes] = {}
    for name, value in values.items():
        try:
            leaves[name] = value.decode()
        except UnicodeDecodeError:
            leaves[name] = value
    # Between quotation marks nothing is read as a line end, a number or a date.
    return yaml.safe_dump(
        leaves, allow_unicode=True, default_style='"', sort_keys=False, width=1_000_000
    )


def _of_json(pairs: tuple[tuple[str, Any], ...], above: tuple[str, ...]) -> Iterator[_Leaf]:
    for key, value in pairs:
        path = (*above, key)
        name = "/".join(path)
        if isinstance(value, str):
            yield (name, *_of_text(value))
        elif isinstance(value, tuple) and value:
            yield from _of_json(value, path)
        else:
            yield name, b"", _WRONG.get(type(value), "It is no string.")


_WRONG: dict[type, str] = {
    bool: "It is true or false; write it in quotation marks.",
    int: "It is a number; write it in quotation marks.",
    float: "It is a number; write it in quotation marks.",
    type(None): "It has no value.",
    list: "It is a list; give each item a name.",
    tuple: "There is nothing in it.",
}


def _of_yaml(mapping: "Node", above: tuple[str, ...]) -> Iterator[_Leaf]:
    import yaml

    for key, node in mapping.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
            yield f"line {key.start_mark.line + 1}", b"", "It begins with no name."
            continue
        path = (*above, key.value)
        name = "/".join(path)
        if isinstance(node, yaml.MappingNode) and node.value:
            if len(path) > _DEEPEST:
                yield name, b"", "It leads too deep, perhaps back to itself."
                return
            yield from _of_yaml(node, path)
        elif isinstance(node, yaml.ScalarNode):
            yield (name, *_of_scalar(node))
        else:
            yield name, b"", _WRONG[list if node.value else tuple]


def _of_scalar(node: "Node") -> tuple[bytes, str]:
    match node.tag.removeprefix(_TAG):
        case "str":
            return _of_text(node.value)
        case "binary":
            try:
                return b64decode("".join(node.value.split()), validate=True), ""
            except ValueError:
                return b"", "It is not base64."
        case "null":
            return b"", _WRONG[type(None)]
        case "bool":
            return b"", _WRONG[bool]
        case "int" | "float":
            return b"", _WRONG[int]
        case _:
            return b"", "It is no string; write it in quotation marks."


def _of_text(text: str) -> tuple[bytes, str]:
    try:
        return text.encode(), ""
    except UnicodeEncodeError:  # an escape such as "\\ud800" alone
        return b"", "It has half a character."


def _collect(form: Format, leaves: Iterator[_Leaf]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    wrong: list[FieldViolation] = []
    size = 0
    for name, value, problem in leaves:
        size += len(value)
        if name in values:
            problem = "It is there twice."  # noqa: PLW2901
        if problem:
            wrong.append(FieldViolation(field=name, description=problem))
        else:
            values[name] = value
        # Also the end of a YAML file whose aliases multiply what it holds.
        if len(values) + len(wrong) > MAX_SECRETS or size > MAX_BYTES:
            raise FileInvalid.because(
                form,
                FieldViolation(
                    field="content",
                    description=f"It has over {MAX_SECRETS:,} values or {MAX_BYTES:,} bytes.",
                ),
                next_step="Split it into several files.",
            )
    if wrong:
        raise FileInvalid.because(form, *wrong, next_step="Correct these, then import it again.")
    return values


def _unreadable(form: Format, line: int = 1, column: int = 1) -> FileInvalid:
    # What the parsers say may quote the file.
    return FileInvalid.because(
        form,
        FieldViolation(field=f"line {line}", description=f"It is no {form} at column {column}."),
        next_step="Correct it there; a value with special characters needs quotation marks.",
    )


def _no_mapping(form: Format) -> FileInvalid:
    return FileInvalid.because(
        form,
        FieldViolation(field="content", description="It is not names with values."),
        next_step='Write it as an object of strings, such as {"api_key": "…"}.'
        if form is Format.JSON
        else "Write one `name: value` a line.",
    )
