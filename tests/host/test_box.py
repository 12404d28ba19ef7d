"""The host in a box does what its help says; everything here boots real hosts."""

import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import run_at_terminal

BOX = Path(__file__).resolve().parent / "box"
PREFIX = f"boxtest{os.getpid()}"
PF_EXITING = 0x4  # linux/sched.h


def box(
    verb: str, name: str, *arguments: str | Path, stdin: bytes = b"", cache: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `box VERB --name NAME ARGUMENTS`; with `cache`, in a cache of its own."""
    environment = os.environ | ({"LEGER_CACHE": str(cache)} if cache else {})
    return subprocess.run(
        [BOX, verb, "--name", name, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=environment,
    )


def run(name: str, command: str, *options: str, stdin: bytes = b"") -> str:
    """Run a shell command in the box; it must succeed. Return what it printed."""
    done = box("exec", name, *options, "--", "sh", "-c", command, stdin=stdin)
    assert done.returncode == 0, done
    return done.stdout.decode().strip()


def canary() -> bytes:
    """A string that is nowhere else, with bytes that make - or _ in base64."""
    return b"canary~~~???>>>" + secrets.token_urlsafe(18).encode()


def find(name: str, wanted: bytes) -> dict[str, str]:
    """What `scan` finds: path → form."""
    done = box("scan", name, "-", stdin=wanted + b"\n")
    assert done.returncode in (0, 1), done
    lines = [line.split("\t") for line in done.stdout.decode().splitlines() if "\t" in line]
    assert bool(lines) == (done.returncode == 1), done
    return dict(lines)


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """A box that all tests of this file share; they leave it up."""
    up = box("up", PREFIX)
    assert up.returncode == 0, up
    assert b"running" in up.stdout
    yield PREFIX
    box("down", PREFIX)


@pytest.fixture
def another() -> Iterator[str]:
    """The name of a box of the test's own, which is taken down whatever happens."""
    name = f"{PREFIX}-{secrets.token_hex(3)}"
    yield name
    box("down", name)


def test_up_of_a_running_box_leaves_it_as_it_is(name: str) -> None:
    before = json.loads(box("status", name, "--json").stdout)
    again = box("up", name)
    assert (again.returncode, again.stdout) == (0, f"box {name}: already up\n".encode())
    after = json.loads(box("status", name, "--json").stdout)
    assert (before["pid"], before["state"]) == (after["pid"], "running")


def test_up_with_another_suite_is_a_conflict(name: str) -> None:
    assert box("up", name, "--suite", "forky").returncode == 6


def test_a_name_that_is_none_and_a_box_that_is_not_there_are_told_apart() -> None:
    assert box("status", "No/Name").returncode == 2
    missing = box("status", "boxtest-nowhere")
    assert missing.returncode == 5
    assert b"why:" in missing.stderr
    assert b"Traceback" not in missing.stderr


@pytest.mark.parametrize(
    ("command", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("exec /etc", 126), ("exec /no", 127)]
)
def test_exec_exits_as_the_command_does(name: str, command: str, code: int) -> None:
    assert box("exec", name, "--", "sh", "-c", command).returncode == code


def test_exec_of_a_command_that_is_not_there_exits_127(name: str) -> None:
    assert box("exec", name, "--", "no-such-command").returncode == 127


def test_exec_passes_bytes_on_unchanged(name: str) -> None:
    everything = bytes(range(256)) * 1000
    done = box("exec", name, "--", "cat", stdin=everything)
    assert done.stdout == everything


def test_exec_passes_every_argument_on_even_dashes(name: str) -> None:
    done = box("exec", name, "--", "printf", "%s|", "-u", "--", "--name", "a b", "")
    assert done.stdout == b"-u|--|--name|a b||"


def test_exec_gives_an_ordinary_user_a_login_environment_and_nothing_of_the_callers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLERS", "own")
    run(name, "usermod -aG systemd-journal alice")
    seen = run(name, "env; pwd; id -un; id -Gn", "-u", "alice", "-e", "A=b c").splitlines()
    for line in (
        "HOME=/home/alice",
        "USER=alice",
        "LOGNAME=alice",
        "SHELL=/bin/bash",
        "XDG_RUNTIME_DIR=/run/user/1000",
        "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus",
        "A=b c",
        "/home/alice",
        "alice",
        "alice systemd-journal",
    ):
        assert line in seen
    assert not [line for line in seen if line.startswith("CALLERS=")]
    assert run(name, "systemctl --user is-system-running", "-u", "alice") == "running"


def test_exec_runs_in_the_cgroup_and_namespaces_of_the_box(name: str) -> None:
    assert run(name, "grep ^0:: /proc/self/cgroup") == "0::/exec"
    assert run(name, "hostname; cat /proc/1/comm").split() == [name, "systemd"]


def test_exec_on_a_terminal_gives_one_to_the_command(name: str) -> None:
    command = "tty; stty -echo; printf 'line: '; read line; echo got $line; exit 3"
    code, shown = run_at_terminal(
        [str(BOX), "exec", "--name", name, "--", "sh", "-c", command], answers=["typed"]
    )
    assert code == 3
    assert "/dev/pts/" in shown
    assert "got typed" in shown


def test_a_signal_to_exec_reaches_the_command(name: str) -> None:
    script = "trap 'echo stopped; exit 4' TERM; echo ready; while :; do sleep 0.05; done"
    words = [str(BOX), "exec", "--name", name, "--", "sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.stdout.read() == b"stopped\n"
    assert process.returncode == 4


def test_a_command_does_not_outlive_a_killed_exec(name: str) -> None:
    words = [str(BOX), "exec", "--name", name, "--", "sh", "-c", "echo $$; exec sleep 1000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        pid = process.stdout.readline().decode().strip()
        process.kill()
    _wait_for(lambda: box("exec", name, "--", "test", "-e", f"/proc/{pid}").returncode == 1)


def test_a_directory_survives_push_and_pull(name: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/data").write_bytes(secrets.token_bytes(300_000))
    (tree / "sub").chmod(0o750)
    (tree / "program").write_text("#!/bin/sh\n")
    (tree / "program").chmod(0o4755)
    (tree / "same").hardlink_to(tree / "program")
    (tree / "relative").symlink_to("sub/data")
    (tree / "dangling").symlink_to("/nowhere/./x")
    os.chown(tree / "sub/data", 1000, 4321)
    assert box("push", name, tree, "/srv/pushed").returncode == 0
    assert box("pull", name, "/srv/pushed", tmp_path / "back").returncode == 0
    assert _facts(tmp_path / "back") == _facts(tree)
    assert run(name, "stat -c %u:%g /srv/pushed/sub/data") == "1000:4321"


def _facts(tree: Path) -> list[tuple[object, ...]]:
    facts: list[tuple[object, ...]] = []
    for path in sorted([tree, *tree.rglob("*")]):
        status = path.lstat()
        content: object = ""
        if path.is_symlink():
            content = os.readlink(path)  # noqa: PTH115  (Path would tidy it up)
        elif path.is_file():
            content = path.read_bytes()
        when = 0 if path.is_symlink() else int(status.st_mtime)
        mode = stat.filemode(status.st_mode)
        name = path.relative_to(tree)
        facts.append((name, mode, status.st_uid, status.st_gid, when, content))
    return facts


def test_push_and_pull_place_things_as_cp_does(name: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_text("one")
    for arguments in (
        (tmp_path / "d", "/srv/placed"),  # becomes it
        (tmp_path / "d", "/srv/placed"),  # is there now: goes into it
        (f"{tmp_path}/d/.", "/srv/contents"),
        (tmp_path / "d/f", "/srv/deep/er/g"),
        (tmp_path / "d/f", "/run/"),
    ):
        assert box("push", name, *arguments).returncode == 0
    assert box("push", name, "--owner", "alice", tmp_path / "d", "/home/alice/").returncode == 0
    for path in ("placed/f", "placed/d/f", "contents/f", "deep/er/g", "../run/f"):
        assert run(name, f"cat /srv/{path}") == "one"
    assert run(name, "stat -c %U /home/alice/d/f") == "alice"
    assert box("pull", name, "/run/f", f"{tmp_path}/out/").returncode == 0
    assert (tmp_path / "out/f").read_text() == "one"
    assert box("pull", name, "/nowhere", tmp_path / "x").returncode == 5


@pytest.mark.parametrize("how", [[], ["--hard"]])
def test_reboot_keeps_the_disk_and_nothing_else(name: str, how: list[str]) -> None:
    where = "/run/x /tmp/x /dev/shm/x /etc/x /var/lib/containers/x /home/alice/.local/share/x"
    run(name, f"for f in {where}; do echo kept > $f; done; cat /etc/machine-id > /etc/x")
    boot = run(name, "cat /etc/machine-id; journalctl --list-boots -q | wc -l").split()
    assert box("reboot", name, *how).returncode == 0
    kept = run(name, f"ls -U {where} 2>/dev/null || true").split()
    assert kept == where.split()[3:]
    after = run(name, "cat /etc/machine-id; journalctl --list-boots -q | wc -l").split()
    assert after == [boot[0], str(int(boot[1]) + 1)]
    assert run(name, "cat /etc/x") == boot[0]


def test_a_restarted_box_has_its_services_and_linger(name: str) -> None:
    unit = "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=default.target\n"
    user_units = "~/.config/systemd/user"
    run(name, f"mkdir -p {user_units}; cat > {user_units}/a.service", "-u", "alice",
        stdin=unit.encode())  # fmt: skip
    run(name, "systemctl --user -q enable a", "-u", "alice")
    assert box("reboot", name).returncode == 0
    assert run(name, "systemctl --user is-active a", "-u", "alice") == "active"


def test_scan_finds_a_value_written_as_it_is(name: str) -> None:
    value = canary()
    run(name, "cat > /root/raw", stdin=b"before " + value + b" after\n")
    assert find(name, value) == {"/root/raw": "raw"}


def test_scan_finds_values_within_base64_of_any_alignment_alphabet_and_wrapping(name: str) -> None:
    wanted: dict[str, bytes] = {}
    for encode in ("base64 -w0", "base64 -w0 | tr +/ -_", "base64", "base64 -w64"):
        for offset in range(3):
            path, value = f"/root/b64/{len(wanted)}", canary()
            run(name, f"mkdir -p /root/b64; {encode} > {path}", stdin=b"x" * (30 + offset) + value)
            wanted[path] = value
    done = box("scan", name, "-", stdin=b"\n".join(wanted.values()))
    numbers = {path: f"string {n}, base64" for n, path in enumerate(wanted, 1)}
    assert dict(line.split("\t") for line in done.stdout.decode().splitlines()) == numbers


def test_scan_finds_a_value_in_podmans_secret_store_of_either_scope(name: str) -> None:
    store = "containers/storage/secrets/filedriver/secretsdata.json"
    for user, path in (
        ("root", f"/var/lib/{store}"),
        ("alice", f"/home/alice/.local/share/{store}"),
    ):
        value = canary()
        run(name, "podman secret create leak - && podman secret ls", "-u", user, stdin=value)
        assert find(name, value) == {path: "base64"}
        run(name, "podman secret rm leak", "-u", user)


def test_scan_finds_a_value_in_the_journal_compressed_or_not(name: str) -> None:
    value, packed = canary(), canary()
    run(name, "logger", stdin=value)
    assert [p for p in find(name, value) if p.startswith("/var/log/journal/")]
    conf = "/etc/systemd/journald.conf.d/zz.conf"
    run(name, f"printf '[Journal]\\nCompress=yes\\n' > {conf}; systemctl restart systemd-journald")
    run(name, "journalctl --rotate")
    run(name, "logger --size 60000", stdin=b"A" * 20_000 + packed + b"A" * 20_000)
    run(name, f"rm {conf}; systemctl restart systemd-journald")
    found = find(name, packed)
    assert [p for p, form in found.items() if p.endswith(".journal") and "unpacked" in form], found


def test_scan_finds_a_value_in_names_symlinks_and_compressed_files(name: str) -> None:
    value = b"canary-" + secrets.token_hex(16).encode()
    text = value.decode()
    run(name, f"mkdir /root/odd; cd /root/odd; touch {text}; ln -s {text} link; ln -s x y")
    run(name, "tee /tmp/v | gzip > /root/odd/a.gz; zstd -q < /tmp/v > /root/odd/b.zst", stdin=value)
    assert find(name, value) == {
        f"/root/odd/{text}": "raw, in its name",
        "/root/odd/link": "raw, in its target",
        "/root/odd/a.gz": "raw, unpacked",
        "/root/odd/b.zst": "raw, unpacked",
    }
    run(name, "podman volume create v; mv /root/odd/b.zst $(podman volume mount v)")
    store = "/var/lib/containers/storage/volumes/v/_data"
    assert find(name, value)[f"{store}/b.zst"] == "raw, unpacked"


def test_scan_finds_a_deleted_file_that_is_still_open(name: str) -> None:
    value = canary()
    script = "exec 3>/var/tmp/gone 4>/tmp/gone; cat | tee /dev/fd/3 >&4; rm /var/tmp/gone /tmp/gone"
    run(name, f"({script}; exec sleep 60 >/dev/null 2>&1 &)", stdin=value)
    assert find(name, value) == {"/var/tmp/gone (deleted) but still open": "raw"}


def test_scan_finds_nothing_of_a_value_that_is_only_in_memory(name: str) -> None:
    value = canary()
    run(name, "tee /run/x /tmp/x /dev/shm/x > /run/user/1000/x", stdin=value)
    assert find(name, value) == {}


def test_scan_says_how_much_it_read(name: str) -> None:
    done = box("scan", name, "-", stdin=canary())
    assert done.stdout.startswith(b"scanned ")
    assert done.stdout.endswith(b" GB: not found\n")


def test_scan_tells_several_strings_apart_and_refuses_a_short_one(name: str) -> None:
    first, second = canary(), canary()
    run(name, "cat > /root/second", stdin=second)
    done = box("scan", name, "-", stdin=first + b"\n" + second + b"\n")
    assert done.stdout == b"/root/second\tstring 2, raw\n"
    assert box("scan", name, "abc").returncode == 2


def test_two_boxes_share_nothing(name: str, another: str) -> None:
    assert box("up", another).returncode == 0
    run(name, "echo mine > /etc/whose; python3 -m http.server 8000 >/dev/null 2>&1 &")
    assert run(another, "ls /etc/whose 2>/dev/null || true") == ""
    assert run(another, "curl -s http://127.0.0.1:8000 || echo refused") == "refused"
    assert run(name, "cat /etc/machine-id") != run(another, "cat /etc/machine-id")


def test_a_box_that_is_down_keeps_its_disk_when_told_and_can_be_scanned(another: str) -> None:
    value = canary()
    assert box("up", another).returncode == 0
    run(another, "cat > /root/kept", stdin=value)
    assert box("down", another, "--keep").returncode == 0
    assert json.loads(box("status", another, "--json").stdout)["up"] is False
    assert box("exec", another, "--", "true").returncode == 8
    assert find(another, value) == {"/root/kept": "raw"}
    assert box("up", another).returncode == 0
    assert run(another, "cat /root/kept").encode() == value


def test_down_leaves_nothing_behind(another: str) -> None:
    before = _traces(another)
    assert box("up", another).returncode == 0
    run(another, "(sleep 1000 >/dev/null 2>&1 &); podman volume create v; mount -t tmpfs x /mnt")
    assert _traces(another) != before
    assert box("down", another).returncode == 0
    assert _traces(another) == before
    assert box("down", another).returncode == 0


def test_down_cleans_up_after_a_killed_box_and_a_killed_up(another: str) -> None:
    before = _traces(another)
    assert box("up", another).returncode == 0
    os.kill(json.loads(box("status", another, "--json").stdout)["pid"], signal.SIGKILL)
    assert box("down", another).returncode == 0
    assert _traces(another) == before
    with subprocess.Popen([BOX, "up", "--name", another], stdout=subprocess.DEVNULL) as process:
        _wait_for(lambda: _traces(another)["processes"] != before["processes"])
        process.kill()
    assert box("down", another).returncode == 0
    assert _traces(another) == before


def _traces(name: str) -> dict[str, object]:
    """What there is of a box on this machine; other boxes come and go meanwhile.

    A process that has ended is none of it, though this machine's process 1 be late to notice.
    """
    cgroups = [d for d, _, _ in os.walk("/sys/fs/cgroup") if f"leger-box-{name}-" in d]
    cache = Path(
        os.environ.get("LEGER_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leger"
    )
    processes = []
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            flags = int(path.with_name("stat").read_text().rpartition(")")[2].split()[6])
            if f"leger-box-{name}-" in path.read_text() and not flags & PF_EXITING:
                processes.append(path)
        except OSError:
            continue
    return {
        "cgroups": cgroups,
        "directories": [path for path in cache.glob("box/*/*") if path.name == name],
        "mounts": [m for m in Path("/proc/mounts").read_text().splitlines() if name in m],
        "processes": processes,
    }


def _wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_images_of_a_store_are_there_in_another_box(
    name: str, another: str, tmp_path: Path
) -> None:
    store = "/var/lib/containers/store"
    podman = f"podman --root {store} --runroot /run/store"
    run(name, f"mkdir -p /tmp/img && cp /usr/bin/catatonit /tmp/img && tar -C /tmp/img -c . |"
        f" {podman} import -q - localhost/tiny:1")  # fmt: skip
    assert box("pull", name, store, tmp_path / "store").returncode == 0
    assert box("up", another, "--image-store", tmp_path / "store").returncode == 0
    assert run(another, "podman images -n --format '{{.Names}}'") == "[localhost/tiny:1]"
    assert run(another, "podman run --rm localhost/tiny:1 /catatonit --version").startswith("tini")
    assert run(another, "podman info -f '{{.Store.RunRoot}}'", "-u", "alice").startswith(
        "/run/user/"
    )


def test_a_missing_debootstrap_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    done = subprocess.run(
        [BOX, "up", "--name", "nowhere"],
        env={"PATH": str(tools), "LEGER_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 8
    assert b"apt-get install debootstrap" in done.stderr
    assert not list((tmp_path / "cache").glob("box/boxes/*/upper"))
