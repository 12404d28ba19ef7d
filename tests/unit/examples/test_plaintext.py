"""No file of an example holds a credential, and one that did would be noticed."""

from pathlib import Path

import pytest
from unit.examples.plaintext import credentials_in
from unit.examples.stack_files import STACKS, Stack


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_no_file_holds_a_credential(stack: Stack) -> None:
    found = {path.name: credentials_in(path, path.read_text()) for path in stack.files}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.container", "Environment=POSTGRES_PASSWORD=hunter2"),
        ("a.container", 'Environment="API_KEY=abc"'),
        ("a.container", "Environment=DATABASE_URL=postgresql://app:hunter2@db:5432/app"),
        ("a.container", "Exec=--requirepass x --token=abc"),
        ("a.env", "WEBUI_SECRET_KEY=t0p"),
        ("a.yaml", "    api_key: sk-1234"),
        ("a.yaml", "  master_key: 'abc'"),
        ("a.json", '  "password": "abc",'),
        ("README.md", "use sk-abcdefghijklmnop"),
        ("README.md", "curl https://me:abc@host/"),
        ("a.py", 'KEY = "0123456789abcdef0123456789abcdef"'),
        ("key", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ],
)
def test_a_credential_in_the_clear_is_noticed(name: str, line: str) -> None:
    assert credentials_in(Path(name), f"first\n{line}\nlast") == [line]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.container", "Secret=notes_api_key,type=env,target=NOTES_API_KEY"),
        ("a.container", "Environment=POSTGRES_PASSWORD_FILE=/run/secrets/db"),
        ("a.container", "# With the password: inside"),
        ("a.yaml", "      api_key: os.environ/OPENAI_API_KEY"),
        ("README.md", "printf 'postgresql://app:%s@db/app' \"$password\""),
        ("a.env", "CODE_EXECUTION_JUPYTER_AUTH=token"),
    ],
)
def test_what_only_says_where_a_credential_comes_from_is_none(name: str, line: str) -> None:
    assert credentials_in(Path(name), line) == []
