import json
import shutil
import socket

import pytest
from leger_bootstrap import status
from leger_bootstrap.bootstrap import ConfigurationRefused, UpgradeRefused
from leger_bootstrap.health import Health
from leger_bootstrap.scope import Scope
from unit.bootstrap.conftest import FIRST, SECOND, Host


def read(scope: Scope, host: Host) -> status.Status:
    return status.read(scope, share=host.share, run=host)


def test_a_host_on_which_nothing_was_started_says_so(scope: Scope, host: Host) -> None:
    found = read(scope, host)
    assert (found.installed, found.healthy, found.refused) == (FIRST, None, None)
    assert "leger-secrets    does not run\n" in status.as_text(found)


def test_what_was_taken_back_is_told_with_its_reason(scope: Scope, host: Host) -> None:
    host.bootstrap()
    host.install(SECOND)
    host.broken = {SECOND}
    host.bootstrap()
    found = json.loads(status.as_json(read(scope, host)))
    assert (found["installed"], found["healthy"]) == (SECOND, FIRST)
    assert found["refused"]["image"] == SECOND
    assert found["refused"]["what"] == "version"
    assert "exec format error" in found["refused"]["why"]
    assert found["directories"]["secrets"] == str(scope.secrets_data)
    text = status.as_text(read(scope, host))
    assert "\nThe installed version was tried and taken back." in text
    assert "→ Install a version that works" in text


def test_leger_toml_is_not_compared_with_what_a_refused_version_leaves_running(
    scope: Scope, host: Host
) -> None:
    host.bootstrap()
    host.install(SECOND)
    host.broken = {SECOND}
    host.bootstrap()
    assert json.loads(status.as_json(read(scope, host)))["configuration"]["in_force"] is None


def test_other_units_of_the_same_image_are_another_version(scope: Scope, host: Host) -> None:
    host.bootstrap()
    shipped = (host.share / "quadlets").resolve()
    (host.share / "quadlets").unlink()
    shutil.copytree(shipped, host.share / "quadlets")
    (host.share / "quadlets/leger-new.volume").write_text("[Volume]\n")
    host.health[FIRST] = Health(silent={"secrets": "The secrets service does not answer."})
    host.is_of_unit = False
    with pytest.raises(UpgradeRefused):
        host.bootstrap()
    found = json.loads(status.as_json(read(scope, host)))
    assert found["refused"]["what"] == "version"
    assert found["refused"]["next"].startswith("Install a version that works")
    assert found["configuration"]["in_force"] is None
    (host.share / "quadlets/leger-new.volume").unlink()
    assert read(scope, host).refused is None


def test_a_port_that_is_taken_is_not_what_a_new_version_is_blamed_for(
    scope: Scope, host: Host
) -> None:
    host.bootstrap()
    host.install(SECOND)
    host.is_of_unit = False
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        leger_toml = scope.config / "leger.toml"
        leger_toml.write_text(f'[secrets.http]\nlisten = "{address}"\n')
        with pytest.raises(ConfigurationRefused):
            host.bootstrap()
        found = json.loads(status.as_json(read(scope, host)))
        assert (found["installed"], found["healthy"]) == (SECOND, FIRST)
        assert found["refused"]["what"] == "configuration"
        assert found["configuration"]["in_force"] is False
    leger_toml.unlink()
    assert read(scope, host).refused is None
    host.bootstrap()
    assert host.running == SECOND


def test_a_refusal_of_what_is_installed_no_more_is_nobodys_business(
    scope: Scope, host: Host
) -> None:
    host.bootstrap()
    host.install(SECOND)
    host.broken = {SECOND}
    host.bootstrap()
    host.install("localhost/leger/services:3")
    assert read(scope, host).refused is None


def test_a_package_without_its_image_is_seen(scope: Scope, host: Host) -> None:
    (host.share / "image/reference").unlink()
    assert read(scope, host).installed is None


def test_programs_are_looked_at(scope: Scope, host: Host) -> None:
    needed = {found.program: found.is_met for found in read(scope, host).requirements}
    assert needed == {"podman": True, "systemctl": True}
