from pathlib import Path

import pytest
from leger_cli import systemd
from leger_cli.context import Account, Scope, Session


@pytest.mark.parametrize(
    ("active", "enabled", "command"),
    [
        ("inactive", "enabled", "start"),
        ("failed", "enabled", "start"),
        ("deactivating", "enabled", "start"),
        ("inactive", "disabled", "enable --now"),
        ("failed", "disabled", "enable --now"),
        ("active", "enabled", "reload"),
        ("active", "disabled", "reload"),
        ("reloading", "enabled", "reload"),
    ],
)
def test_the_services_are_brought_up_by_what_has_an_effect_on_legerd(
    tmp_path: Path, active: str, enabled: str, command: str
) -> None:
    session = Session(account=Account(uid=1000, runtime=tmp_path, config=tmp_path))
    state = {"ActiveState": active, "UnitFileState": enabled}
    session.choose(Scope.USER)
    wanted = f"systemctl --user {command} legerd.service"
    assert systemd.bring_up(state, session=session) == wanted
    system = Session(account=session.account)
    system.choose(Scope.SYSTEM)
    assert systemd.bring_up(state, session=system) == f"sudo systemctl {command} legerd.service"
