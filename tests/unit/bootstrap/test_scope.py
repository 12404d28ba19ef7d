from pathlib import Path

from leger_bootstrap import scope


def test_a_users_directories_follow_the_xdg_variables() -> None:
    alice = scope.user(
        environment={"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c", "XDG_RUNTIME_DIR": "/r"},
        home=Path("/home/alice"),
        uid=1000,
        account="alice",
    )
    assert (alice.data, alice.quadlets, alice.bus) == (
        Path("/d/leger"),
        Path("/c/containers/systemd"),
        Path("/r/bus"),
    )


def test_a_users_directories_have_the_defaults_of_xdg() -> None:
    alice = scope.user(environment={}, home=Path("/home/alice"), uid=1000, account="alice")
    assert alice.secrets_data == Path("/home/alice/.local/share/legerd")
    assert alice.runtime == Path("/run/user/1000")
    assert alice.systemctl == ("systemctl", "--user")


def test_the_system_scope_lives_in_var_lib() -> None:
    assert scope.system().secrets_data == Path("/var/lib/legerd")
    assert scope.system().systemctl == ("systemctl",)
