from pathlib import Path

import pytest
from leger_runtime.config import ConfigInvalid
from leger_runtime.errors import Kind
from leger_secrets import config
from leger_secrets.config import Config, Scope


def test_without_variables_the_defaults_hold() -> None:
    assert config.read({"PATH": "/bin"}) == Config()


def test_every_field_can_be_set() -> None:
    assert config.read(
        {
            "LEGER_SCOPE": "user",
            "LEGER_ACCOUNT": "alice",
            "LEGER_RUNTIME_DIR": "/run/user/1000/leger/secrets",
            "LEGER_STATE_DIR": "/home/alice/.local/share/legerd",
            "LEGER_BACKUP_DIR": "/backups",
            "LEGER_KEY_FILE": "/key",
            "LEGER_POLICY_FILE": "/policy",
            "LEGER_JOURNAL_SOCKET": "/journal",
        }
    ) == Config(
        scope=Scope.USER,
        account="alice",
        runtime_dir=Path("/run/user/1000/leger/secrets"),
        state_dir=Path("/home/alice/.local/share/legerd"),
        backup_dir=Path("/backups"),
        key_file=Path("/key"),
        policy_file=Path("/policy"),
        journal_socket=Path("/journal"),
    )


def test_backups_lie_in_the_state_directory_unless_it_is_said_where() -> None:
    found = config.read({"LEGER_STATE_DIR": "/state"})
    assert found.backup_dir == Path("/state/backups")


def test_an_unknown_variable_names_the_nearest() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        config.read({"LEGER_STATEDIR": "/x"})
    assert caught.value.kind is Kind.USAGE
    assert caught.value.next_step == "Perhaps LEGER_STATE_DIR is meant; else remove it."


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEGER_SCOPE", "System"),
        ("LEGER_ACCOUNT", ""),
        ("LEGER_ACCOUNT", "a\nb"),
        ("LEGER_STATE_DIR", "relative"),
        ("LEGER_KEY_FILE", ""),
        ("LEGER_RUNTIME_DIR", "/" + "x" * 100),
    ],
)
def test_a_value_that_cannot_be_is_refused(variable: str, value: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        config.read({variable: value})
    assert caught.value.why
    assert caught.value.next_step
