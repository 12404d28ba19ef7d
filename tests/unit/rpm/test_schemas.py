"""The schemas by which editors check leger.toml and policy.toml say what the services say."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import source_tree
from leger_bootstrap import configuration
from leger_secrets.adapters import policy_toml
from leger_secrets.adapters.policy_toml import PolicyMistake
from leger_secrets.domain.grants import ALL_WORD, MAX_PATTERNS, Permission

LISTEN = "secrets.http.listen"
DIRECTORY = "secrets.backup_directory"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (source_tree.ROOT / f"rpm/schemas/{name}.schema.json").read_text("utf-8")
    )
    return found


def options(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    assert table["additionalProperties"] is False
    for key, found in table["properties"].items():
        if found.get("type") == "object":
            yield from options(found, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", found


def matches(option: dict[str, Any], value: object) -> bool:
    """Return whether a value has what the schemas here ask of one."""
    if "anyOf" in option:
        return any(matches(one, value) for one in option["anyOf"])
    if "enum" in option:
        return value in option["enum"]
    return isinstance(value, str) and re.search(option["pattern"], value) is not None


def accepts(key: str, value: object) -> bool:
    try:
        configuration.OPTIONS[key].read(value)
    except ValueError:
        return False
    return True


def test_the_configuration_has_exactly_its_options() -> None:
    assert dict(options(schema("leger"))).keys() == configuration.OPTIONS.keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((LISTEN, x) for x in ("127.0.0.1:8090", "[::1]:80", False, True, 8080, "8080")),
        *((LISTEN, x) for x in ("0.0.0.0:80", "localhost:80", "127.0.0.1", "::1:80", "10.0.0.1:1")),
        *((DIRECTORY, x) for x in ("/mnt/backups", "mnt", "/a b", "/a:b", "/a%h", "/a'", 1)),
    ],
)
def test_a_value_is_one_for_the_schema_where_it_is_one_for_the_service(
    key: str, value: object
) -> None:
    assert matches(dict(options(schema("leger")))[key], value) == accepts(key, value)


def test_the_policy_has_exactly_the_keys_of_a_rule_and_all_actions() -> None:
    rule = schema("policy")["properties"]["grants"]["items"]
    keys = rule["properties"]
    assert set(keys["actions"]["items"]["enum"]) == {*Permission, ALL_WORD}
    assert keys["secrets"]["maxItems"] == MAX_PATTERNS
    assert keys.keys() == set(rule["required"])
    lines = {key: f'{key} = ["*"]\n' for key in keys}
    assert policy_toml.parse(f"[[grants]]\n{''.join(lines.values())}".encode(), source="")
    for key in keys:
        rest = "".join(line for other, line in lines.items() if other != key)
        with pytest.raises(PolicyMistake, match=f"`{key}` is needed"):
            policy_toml.parse(f"[[grants]]\n{rest}".encode(), source="")


@pytest.mark.parametrize("principal", ["*", "token:ci", "operator:root", "svc:x", "unit:x", "ci"])
def test_a_principal_is_one_for_the_schema_where_it_is_one_for_the_service(principal: str) -> None:
    rule = schema("policy")["properties"]["grants"]["items"]["properties"]
    text = f'[[grants]]\nprincipals = ["{principal}"]\nactions = ["*"]\nsecrets = ["*"]\n'
    try:
        accepted = bool(policy_toml.parse(text.encode(), source=""))
    except PolicyMistake:
        accepted = False
    assert matches(rule["principals"]["items"], principal) == accepted
