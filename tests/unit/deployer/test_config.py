"""The configuration comes from the environment, once, and a mistake in it is named."""

from pathlib import Path

import pytest
from leger_deployer.config import Config, read
from leger_deployer.domain.scope import Scope
from leger_runtime.config import ConfigInvalid


def test_without_variables_it_is_that_of_the_system_scope() -> None:
    assert read({"PATH": "/usr/bin"}) == Config()
    assert Config().secrets_socket == Path("/run/leger/secrets-client/grpc.sock")


def test_every_field_has_its_variable() -> None:
    config = read(
        {
            "LEGER_SCOPE": "user",
            "LEGER_ACCOUNT": "alice",
            "LEGER_RUNTIME_DIR": "/run/user/1000/leger/deployer",
            "LEGER_SECRETS_SOCKET": "/a",
            "LEGER_PODMAN_SOCKET": "/b",
            "LEGER_BUS": "/c",
            "LEGER_DATA_DIR": "/d",
            "LEGER_QUADLET_DIR": "/e",
            "LEGER_HOST_RUNTIME_DIR": "/run/user/1000",
        }
    )
    assert config == Config(
        scope=Scope.USER,
        account="alice",
        runtime_dir=Path("/run/user/1000/leger/deployer"),
        secrets_socket=Path("/a"),
        podman_socket=Path("/b"),
        bus=Path("/c"),
        data_dir=Path("/d"),
        quadlet_dir=Path("/e"),
        host_runtime_dir=Path("/run/user/1000"),
    )


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("LEGER_DATADIR", "/x", "Perhaps LEGER_DATA_DIR is meant"),
        ("LEGER_SCOPE", "root", "system, user"),
        ("LEGER_ACCOUNT", "", "not empty"),
        ("LEGER_BUS", "run/bus", "absolute"),
        ("LEGER_QUADLET_DIR", "/a:/b", "colon"),
        ("LEGER_RUNTIME_DIR", "/" + "x" * 100, "107"),
    ],
)
def test_a_variable_that_cannot_be_is_named(variable: str, value: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        read({variable: value})
    error = raised.value
    assert words in f"{error.what} {error.why} {error.next_step}"
