"""The package as a person meets it: what is in it, what it does to a host, and what it leaves."""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import build_cache
import packages
import pytest
from conftest import ROOT, Host
from hostbox.naming import box_name
from stacks import sleeper

PLACES = (
    "/etc/leger",
    "/usr/bin/leger",
    "/usr/lib/leger",
    "/usr/lib/systemd",
    "/usr/lib/tmpfiles.d/leger.conf",
    "/usr/share/bash-completion/completions/leger",
    "/usr/share/fish/vendor_completions.d/leger.fish",
    "/usr/share/leger",
    "/usr/share/licenses/leger",
    "/usr/share/man/man",
    "/usr/share/zsh/site-functions/_leger",
)
# It asks for the release of a distribution, which the box has none of.
DNF = "dnf --quiet --assumeyes --releasever=0"
PACKAGE = "/root/leger.rpm"
SHOW = "systemctl show -p MainPID -p InvocationID leger-secrets leger-deployer leger-pod"
SHOW_HERS = "systemctl --user show -p MainPID -p InvocationID leger-secrets"
NO_JOB = "systemctl --user list-jobs --legend=no | grep -q . && exit 1 || exit 0"
PRESET = Path("/etc/systemd/system-preset/00-administrator.preset")


@pytest.fixture(scope="module")
def package() -> Path:
    return packages.built()


@pytest.fixture(scope="module")
def machine(package: Path, images: dict[str, Any]) -> Iterator[Host]:
    """A host whose administrator wanted nothing of leger to start when it was installed."""
    host = Host(box_name("package"))
    host.box("down")
    up = host.box("up", "--image-store", images["store"])
    assert up.code == 0, up.err
    host.box("push", str(package), PACKAGE)
    host.do(f"mkdir -p {PRESET.parent} && echo 'disable leger*' > {PRESET}")
    host.do(f"{DNF} install {PACKAGE}; rm {PRESET}")
    yield host
    host.box("down")


def changed(machine: Host, verb: str) -> None:
    """Have dnf change what is installed, which says that it did and nothing else."""
    answer = machine.run(f"{DNF} {verb}")
    assert answer.code == 0, answer
    said = (answer.out + answer.err).split()
    assert said[0] in ("Installed:", "Removed:"), answer
    assert said[1].startswith("leger-"), answer
    assert len(said) == 2, answer


def query(package: Path, *options: str) -> list[str]:
    command = ["rpm", "--query", *options, "--package", str(package)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    ).stdout.splitlines()


def test_the_package_writes_nowhere_but_where_it_may(package: Path) -> None:
    files = query(package, "--list")
    assert [path for path in files if not path.startswith(PLACES)] == []
    for needed in (
        "/usr/bin/leger",
        "/usr/bin/legerd",
        "/usr/lib/systemd/system/legerd.service",
        "/usr/lib/systemd/user/legerd.service",
        "/usr/lib/systemd/system-preset/90-leger.preset",
        "/usr/share/leger/image/leger.tar",
        "/usr/share/leger/image/reference",
        "/usr/share/leger/quadlets/leger.pod",
        "/usr/share/man/man1/leger.1.gz",
        "/usr/share/man/man8/legerd.8.gz",
        "/usr/share/licenses/leger/LICENSE",
    ):
        assert needed in files


def test_the_package_needs_podman_systemd_and_a_c_library_alone(package: Path) -> None:
    requires = query(package, "--requires")
    assert "podman >= 5.4" in requires
    assert "systemd >= 254" in requires
    names = {re.split(r"[ (]", line)[0] for line in requires}
    assert names == {
        "/bin/sh", "config", "podman", "systemd", "rpmlib", "rtld", "ld-linux-x86-64.so.2",
        "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1",
    }  # fmt: skip
    # Every supported Fedora has a newer one.
    versions = {tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([\d.]+)", str(requires))}
    assert max(versions) <= (2, 38)
    provided = {line.split(" ")[0] for line in query(package, "--provides")}
    # It provides its own configuration file, and requires that in turn.
    assert provided == {"config(leger)", "leger", "leger(x86-64)"}


def test_the_scripts_are_whole(package: Path) -> None:
    scripts = query(package, "--scripts")
    assert [line for line in scripts if "%{" in line] == []
    for kind in ("postinstall", "preuninstall", "postuninstall", "posttrans"):
        assert f"{kind} scriptlet (using /bin/sh):" in scripts
    shell = "\n".join(line for line in scripts if not re.match(r"\w+ scriptlet ", line))
    subprocess.run(["sh", "-n"], input=shell, text=True, check=True)


def test_rpmlint_finds_nothing_that_is_not_explained(package: Path) -> None:
    assert shutil.which("rpmlint"), "make host-tools"
    done = subprocess.run(
        ["rpmlint", "--config", ROOT / "rpm/rpmlint.toml", package],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert " 0 errors, 0 warnings" in done.stdout, done.stdout


def test_somebody_else_builds_the_same_package(package: Path, tmp_path: Path) -> None:
    home, tree, output = tmp_path / "home", tmp_path / "tree", tmp_path / "output"
    umask = os.umask(0o077)
    try:
        packages.copy_of_this_tree(tree)
        home.mkdir()
    finally:
        os.umask(umask)
    (home / ".rpmmacros").write_text("%packager Somebody\n%_binary_payload w1.gzdio\n")
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    command = [str(ROOT / ".venv/bin/python"), "rpm/build.py", "--output", str(output)]
    # What is fetched from elsewhere, and its modes and times, are still those of the first build.
    environment = {**os.environ, "LEGER_CACHE": str(build_cache.directory().parent)}
    environment |= {"HOME": str(home), "TZ": "Asia/Kathmandu"}
    subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, check=True)
    for path in package.parent.iterdir():  # its sum and its SBOM, too
        assert (output / path.name).read_bytes() == path.read_bytes(), path.name


def test_no_script_waits_for_a_users_manager_without_limit(package: Path) -> None:
    scripts = [line.strip() for line in query(package, "--scripts")]
    assert [line for line in scripts if "--machine" in line] == [
        'user="timeout 60 systemctl --user --machine $uid@.host"'
    ] * 5
    assert scripts.count("export SYSTEMD_BUS_TIMEOUT=15s") == 5
    told = [line for line in scripts if "$user" in line]
    assert len(told) == 5
    for line in told:
        assert re.fullmatch(r"\{ \$user .*; \} </dev/null &", line)


def test_a_preset_of_the_administrator_decides_whether_the_services_start(machine: Host) -> None:
    assert machine.do("leger --version").startswith("leger ")
    assert machine.run("systemctl is-enabled legerd.service").out == "disabled\n"
    assert machine.do("systemctl show --value -p ActiveState legerd.service") == "inactive\n"


def test_shells_find_how_to_complete_leger(machine: Host) -> None:
    bash = "source /usr/share/bash-completion/completions/leger; complete -p leger"
    assert "_leger_completion leger" in machine.do(f"bash -c '{bash}'")
    zsh = machine.do("head -1 /usr/share/zsh/site-functions/_leger")
    assert zsh == "#compdef leger\n"
    fish = machine.do("cat /usr/share/fish/vendor_completions.d/leger.fish")
    assert fish.startswith("complete --command leger")


def test_what_stops_legerd_finds_its_services_stopped(machine: Host) -> None:
    machine.do("systemctl start leger-podman.socket legerd.service")
    machine.do("systemctl --user enable --now legerd.service", user="alice")
    units = "leger-pod leger-secrets leger-deployer"
    for manager, user in (("systemctl", "root"), ("systemctl --user", "alice")):
        assert machine.do(f"{manager} is-active {units}", user=user) == "active\n" * 3
        stopped = machine.run(f"{manager} stop legerd && {manager} is-active {units}", user=user)
        assert stopped.out == "inactive\n" * 3
        machine.do(f"{manager} start legerd", user=user)


def test_a_stop_of_legerd_takes_as_long_as_what_its_services_wait_for(machine: Host) -> None:
    defaults = "/run/systemd/system.conf.d"
    lines = "[Manager]\nDefaultTimeoutStopSec=8s\n"
    machine.do(f"mkdir -p {defaults} && cat > {defaults}/short.conf", stdin=lines)
    try:
        machine.do(
            "systemctl daemon-reload; systemd-run --quiet --unit=slow -p Type=oneshot"
            " -p RemainAfterExit=yes -p After=leger-secrets.service -p ExecStop='sleep 12'"
            " -p TimeoutStopSec=60 true"
        )
        machine.do("systemctl stop legerd.service slow.service")
        shown = machine.do("systemctl show --value -p ActiveState legerd leger-pod")
        assert shown.split() == ["inactive"] * 2
    finally:
        machine.do(f"rm -r {defaults}; systemctl daemon-reload; systemctl start legerd.service")


def test_reinstalling_restarts_nothing_and_removing_keeps_stacks_running_and_all_data(
    machine: Host,
) -> None:
    value = secrets.token_urlsafe(18)
    assert machine.do("stat -c '%a %U' /var/lib/leger /var/lib/legerd") == "700 root\n" * 2
    machine.put("kept_key", value)
    stack = {"kept.container": sleeper("Secret=kept_key")}
    machine.do(f"leger deploy install {machine.push_stack('kept', stack)} --yes")
    running = machine.do("systemctl show -p MainPID kept.service")

    before, hers = machine.do(SHOW), machine.do(SHOW_HERS, user="alice")
    machine.do(f"{DNF} reinstall {PACKAGE}")
    assert machine.do(SHOW) == before  # neither the image nor a unit changed
    machine.wait(NO_JOB, user="alice")  # dnf does not wait for what a user's manager does
    assert machine.do(SHOW_HERS, user="alice") == hers

    changed(machine, "remove leger")
    assert machine.do("systemctl show -p MainPID kept.service") == running
    assert machine.do("podman --transient-store ps --quiet --filter name=leger-") == ""
    assert "MainPID=0" in machine.do(SHOW_HERS, user="alice")
    machine.do("systemctl restart user@$(id -u alice).service")  # as at her next login
    machine.wait(NO_JOB, user="alice")
    assert machine.do("ls .config/containers/systemd/legerd/leger.pod", user="alice")
    failed = "systemctl --user list-units --failed --plain --legend=no"
    assert machine.do(failed, user="alice") == ""
    assert machine.do("systemctl list-units --failed --plain --legend=no") == ""
    assert machine.run("ls -d /usr/lib/leger /usr/share/leger /usr/bin/leger*").out == ""
    assert machine.run("find /etc -xtype l -path '*leger*'").out == ""
    machine.do("test -s /var/lib/legerd/secrets.db")

    changed(machine, f"install {PACKAGE}")
    units = "legerd.service leger-podman.socket leger-setec.socket"
    assert machine.do(f"systemctl is-active {units}") == "active\n" * 3
    # As she had enabled it; dnf does not wait for it.
    machine.wait("systemctl --user is-active --quiet legerd.service", user="alice")
    machine.do("systemctl --user is-active leger-podman.socket", user="alice")
    machine.do("leger status", user="alice")
    assert machine.do("leger secrets get kept_key") == value
    assert machine.do("systemctl show -p MainPID kept.service") == running


def test_services_run_on_when_legerd_fails_to_start_and_removing_stops_them(machine: Host) -> None:
    slow = "cat > $place/leger-pod.service.d/slow.conf && $manager daemon-reload"
    managers = (
        ("root", "manager='systemctl' place=/run/systemd/system"),
        ("alice", "manager='systemctl --user' place=$XDG_RUNTIME_DIR/systemd/user"),
    )
    for user, names in managers:
        machine.do(
            f"{names}; mkdir -p $place/leger-pod.service.d; {slow}",
            user=user,
            stdin="[Service]\nExecStop=sleep 5\n",
        )
        started = f"{names}; $manager stop legerd; $manager start leger-deployer leger-secrets"
        machine.do(started, user=user)
        machine.do(
            f"{names}; mkdir -p $place/legerd.service.d;"
            " cat > $place/legerd.service.d/fails.conf && $manager daemon-reload",
            user=user,
            stdin="[Service]\nExecStart=\nExecStart=false\n",
        )
        assert machine.run(f"{names}; $manager start legerd.service", user=user).code == 1
        units = "legerd leger-pod leger-secrets leger-deployer"
        states = machine.do(f"{names}; $manager show --value -p ActiveState {units}", user=user)
        assert states.split() == ["failed", "active", "active", "active"]

    changed(machine, "remove leger")
    for user, names in managers:
        shown = f"{names}; $manager show --value -p ActiveState leger-pod"
        assert machine.do(shown, user=user) == "inactive\n"
        containers = "podman --transient-store ps --all --quiet --filter name=leger-"
        assert machine.do(containers, user=user) == ""
        machine.do(f"{names}; rm -r $place/leger*.service.d; $manager daemon-reload", user=user)
    changed(machine, f"install {PACKAGE}")
    machine.do("systemctl is-active legerd.service")
    machine.wait("systemctl --user is-active --quiet legerd.service", user="alice")


def test_what_failed_while_leger_was_away_says_why_and_starts_when_told_to(machine: Host) -> None:
    machine.do("systemctl --user disable --now legerd.service", user="alice")
    changed(machine, "remove leger")
    assert machine.run("systemctl restart kept.service").code == 1
    changed(machine, f"install {PACKAGE}")
    found = machine.status()["kept"]
    assert found["state"] == "failed"
    assert "systemd did not get the credentials (secrets)" in found["why"]
    assert "`leger services start kept`" in found["why"]
    machine.do("leger services start kept")
    assert machine.status()["kept"]["state"] == "running"
    # Nobody had it enabled there any more.
    state = "systemctl --user show --value -p ActiveState legerd.service"
    assert machine.do(state, user="alice") == "inactive\n"
    machine.do("leger deploy remove kept --yes")
