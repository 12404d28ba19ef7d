"""The images made without a registry, and examples/notes on them with podman alone, without leger.

That the stack works with podman's own secrets shows that its Quadlets are plain ones; what leger
does with them is tested elsewhere.
"""

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import HERE, ROOT, Host
from hostbox.naming import box_name
from hostimages import cache, notes

WEB = "http://127.0.0.1:8090"
# What a shell, SQL and a URL would each take apart.
AWKWARD = """p'a"s$s w\\x #ü%@:/"""


def images(command: str) -> str:
    return subprocess.run(
        [str(HERE / "images"), command], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_the_base_has_python_and_nothing_of_this_machine() -> None:
    with tarfile.open(images("base").strip()) as tar:
        names = set(tar.getnames())
    assert {"./usr/bin/python3.13", "./usr/bin/apt-get", "./usr/sbin/policy-rc.d"} <= names
    gone = {"./etc/machine-id", "./etc/hostname", "./etc/resolv.conf", "./dev/null"}
    assert not names & gone
    for directory in ("var/lib/apt/lists", "var/cache/apt", "var/log", "usr/share/man"):
        assert not [name for name in names if name.startswith(f"./{directory}/")]


def test_what_is_made_already_is_found_at_once() -> None:
    first = images("notes")
    again = subprocess.run([str(HERE / "images"), "notes"], capture_output=True, check=True)
    assert again.stdout.decode() == first
    assert b"is ready, after" not in again.stderr  # what it says of each that it makes


def test_the_images_are_those_that_the_quadlets_name() -> None:
    quadlets = (ROOT / "examples/notes").glob("*.container")
    lines = [line for path in quadlets for line in path.read_text().splitlines()]
    named = [line.removeprefix("Image=") for line in lines if line.startswith("Image=")]
    assert sorted(named) == sorted(notes.REFERENCES.values())


def test_an_unfinished_one_is_not_taken_for_a_finished_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGER_CACHE", str(tmp_path))

    def interrupted(draft: Path) -> None:
        draft.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.kept("thing", "key", interrupted)
    path = cache.kept("thing", "key", Path.mkdir)
    assert path == tmp_path / "images/thing-key"
    assert sorted(p.name for p in path.parent.iterdir()) == ["thing-key", "thing.lock"]


@dataclass
class Scope:
    """The stack in one scope of a host."""

    host: Host
    user: str
    key: str

    def run(self, command: str, stdin: str = "") -> str:
        return self.host.do(command, user=self.user, stdin=stdin)

    def systemctl(self, command: str) -> None:
        self.run(f"systemctl {'' if self.user == 'root' else '--user'} {command}")

    def put(self, name: str, value: str) -> None:
        self.run(f"podman secret create --replace {name} -", value)

    def post(self, text: str, key: str) -> str:
        """Store a note; return the HTTP status."""
        body = json.dumps({"text": text})
        return self.run(
            f"curl -s -o /dev/null -w '%{{http_code}}' -H @- --data '{body}' {WEB}/notes",
            f"Authorization: Bearer {key}",
        )

    def get(self, path: str) -> str:
        return self.run(f"curl -sf {WEB}{path}")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A host without leger."""
    host = Host(box_name("images"))
    host.box("down")
    up = host.box("up", "--image-store", json.loads(images("notes"))["store"])
    assert up.code == 0, up.err
    yield host
    host.box("down")


@pytest.fixture(scope="module", params=["root", "alice"])
def scope(request: pytest.FixtureRequest, host: Host) -> Iterator[Scope]:
    """Yield a scope in which the stack was started, with podman's own secrets."""
    scope = Scope(host, request.param, "first-key")
    directory = "/etc/containers/systemd"
    if scope.user != "root":
        directory = f"/home/{scope.user}/.config/containers/systemd"
        scope.run(f"mkdir -p {directory}")
        # A user's units wait for it, and on a host without system containers nobody starts it.
        host.do("systemctl start network-online.target")
        for archive in json.loads(images("notes"))["archives"].values():
            host.box("push", archive, "/tmp/archive.tar")
            scope.run("podman load --quiet --input /tmp/archive.tar")
    host.box("push", str(ROOT / "examples/notes"), f"{directory}/notes")
    scope.put("notes_db_password", "first-password")
    scope.put("notes_api_key", scope.key)
    scope.systemctl("daemon-reload")
    scope.systemctl("start notes-web")
    yield scope
    scope.systemctl("stop notes-web notes-postgres notes-redis")


# One story for each scope, in order.


def test_every_container_becomes_healthy_as_an_ordinary_user_of_its_own(scope: Scope) -> None:
    states = scope.run("podman ps --format '{{.Names}} {{.Status}}' --sort names").splitlines()
    assert [line.split()[0] for line in states] == ["notes-postgres", "notes-redis", "notes-web"]
    assert all(line.endswith("(healthy)") for line in states)
    for name in notes.REFERENCES:
        assert scope.run(f"podman exec notes-{name} id -u").strip() == "999"


def test_only_who_has_the_key_stores_a_note(scope: Scope) -> None:
    assert scope.post("<b>milk</b>", scope.key) == "201"
    assert scope.post("no", "wrong") == "401"
    assert scope.post("", scope.key) == "400"
    note = json.loads(scope.get("/notes/1"))
    assert (note["text"], note["reads"]) == ("<b>milk</b>", 1)
    assert json.loads(scope.get("/notes/1"))["reads"] == 2
    assert "&lt;b&gt;milk&lt;/b&gt;" in scope.get("/")
    assert scope.get("/whoami") == hashlib.sha256(scope.key.encode()).hexdigest()[:12] + "\n"


@pytest.mark.parametrize(
    ("login", "refusal"),
    [
        ("PGPASSWORD=wrong psql -U notes", "password authentication failed"),
        ("psql -w -U notes", "no password supplied"),
        ("PGPASSWORD=first-password psql -U postgres", "no pg_hba.conf entry"),
    ],
)
def test_over_the_network_postgresql_lets_only_the_right_password_in(
    scope: Scope, login: str, refusal: str
) -> None:
    answer = scope.host.run(
        f"podman exec notes-postgres sh -c '{login} -h 127.0.0.1 -d notes -c \"SELECT 1\"'",
        user=scope.user,
    )
    assert answer.code != 0
    assert refusal in answer.err


def test_changed_secrets_work_after_a_restart_and_the_notes_are_kept(scope: Scope) -> None:
    former, scope.key = scope.key, "second-key"
    scope.put("notes_db_password", AWKWARD)
    scope.put("notes_api_key", scope.key)
    scope.systemctl("restart notes-postgres")  # what requires it restarts with it
    scope.systemctl("start notes-web")
    assert scope.get("/whoami") == hashlib.sha256(scope.key.encode()).hexdigest()[:12] + "\n"
    assert json.loads(scope.get("/notes/1"))["text"] == "<b>milk</b>"
    assert scope.post("another", scope.key) == "201"
    assert scope.post("another", former) == "401"


def test_a_killed_database_recovers(scope: Scope) -> None:
    scope.run("podman kill --signal KILL notes-postgres")
    scope.host.wait(f"curl -sf -m 5 {WEB}/notes/2", user=scope.user)
    assert scope.post("a third", scope.key) == "201"


def test_postgresql_keeps_and_logs_no_password(scope: Scope) -> None:
    volume = scope.run("podman volume inspect notes-postgres --format '{{.Mountpoint}}'").strip()
    unshare = "" if scope.user == "root" else "podman unshare"
    searched = scope.host.run(
        f"{unshare} grep --recursive --text --fixed-strings --file=- {volume}",
        user=scope.user,
        stdin=f"first-password\n{AWKWARD}",
    )
    assert searched.code == 1, searched
    journal = scope.host.do("journalctl --boot --output=cat")
    assert "database system is ready to accept connections" in journal
    assert "first-password" not in journal
    assert AWKWARD not in journal
