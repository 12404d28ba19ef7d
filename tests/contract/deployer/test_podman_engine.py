"""The podman adapter on a real Unix socket; the answers were recorded from podman 5.4.2."""

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from leger_deployer.adapters.podman_engine import PodmanEngine
from leger_deployer.domain.errors import ImageUnavailable, PodmanUnavailable
from leger_deployer.domain.health_check import HealthCheck
from leger_deployer.domain.ports.container_engine import Health, Network
from leger_deployer.domain.ports.host_commands import CommandResult

NOT_FOUND = (404, '{"cause":"no such object","message":"no such object","response":404}')


@dataclass
class Podman:
    """Answers by method and path below /libpod, and remembers what it was asked."""

    answers: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[Podman]:
    podman = Podman()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            path = unquote(url.path).partition("/libpod")[2]
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            podman.asked.append((self.command, path, query, body))
            status, text = podman.answers.get((self.command, path), NOT_FOUND)
            self.send_response(status)
            content = b"" if status in (204, 304) else text.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(tmp_path / "podman.sock"), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield podman
        server.shutdown()


class Listing:
    """HostCommands that only lists the directory of volumes' data."""

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> CommandResult:
        assert list(command) == ["/usr/bin/ls", "-1A", "--", "/volumes"]
        return CommandResult(status=0, output="known\nforgotten\n", messages="")

    @contextmanager
    def lines(self, command: Sequence[str]) -> Iterator[Iterator[str | None]]:
        raise AssertionError(f"nothing is followed here: {command}")
        yield


@pytest.fixture
def engine(tmp_path: Path) -> PodmanEngine:
    return PodmanEngine(socket=tmp_path / "podman.sock", commands=Listing())


def test_an_image_is_there_or_not(podman: Podman, engine: PodmanEngine) -> None:
    podman.answers["GET", "/images/localhost/a:1/exists"] = (204, "")
    assert engine.has_image("localhost/a:1")
    assert not engine.has_image("localhost/b:1")


def test_a_pull_that_works_ends_without_an_error(podman: Podman, engine: PodmanEngine) -> None:
    lines = '{"stream":"Trying to pull quay.io/x/y:1...\\n"}\n{"images":["abc"],"id":"abc"}\n'
    podman.answers["POST", "/images/pull"] = (200, lines)
    engine.pull("quay.io/x/y:1")
    assert podman.asked[-1][2] == {"reference": "quay.io/x/y:1", "policy": "missing"}


@pytest.mark.parametrize(
    "answer",
    [
        (200, '{"stream":"Trying..."}\n{"error":"dial tcp: connection refused"}\n'),
        (500, '{"cause":"dial tcp: connection refused","message":"x","response":500}'),
    ],
)
def test_a_pull_that_fails_says_what_podman_says(
    podman: Podman, engine: PodmanEngine, answer: tuple[int, str]
) -> None:
    podman.answers["POST", "/images/pull"] = answer
    with pytest.raises(ImageUnavailable, match="podman says: dial tcp: connection refused"):
        engine.pull("quay.io/x/y:1")


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            {"Test": ["CMD-SHELL", "true"], "StartPeriod": 5 * 10**9, "Interval": 20 * 10**9},
            HealthCheck(interval=20.0, start_period=5.0),
        ),
        (
            {"Test": ["CMD", "true"], "Retries": 5, "Timeout": 10**9},
            HealthCheck(retries=5, timeout=1.0),
        ),
        ({"Test": ["NONE"]}, None),
        (None, None),
    ],
)  # fmt: skip
def test_the_health_check_that_an_image_brings(
    podman: Podman, engine: PodmanEngine, check: object, expected: HealthCheck | None
) -> None:
    answer = {"Id": "abc"} | ({"Healthcheck": check} if check else {})
    podman.answers["GET", "/images/a/json"] = (200, json.dumps(answer))
    assert engine.image_health("a") == expected
    assert engine.image_health("other") is None


def test_containers_and_pods_share_one_space_of_names(podman: Podman, engine: PodmanEngine) -> None:
    podman.answers["GET", "/containers/json"] = (200, '[{"Names":["web"]},{"Names":["p-infra"]}]')
    podman.answers["GET", "/pods/json"] = (200, '[{"Name":"p"}]')
    assert engine.containers() == {"web", "p-infra", "p"}
    assert podman.asked[0][2] == {"all": "true"}
    podman.answers["GET", "/containers/json"] = (200, "null")
    podman.answers["GET", "/pods/json"] = (200, "null")
    assert engine.containers() == frozenset()


def test_health_is_the_status_and_what_the_latest_probe_said(
    podman: Podman, engine: PodmanEngine
) -> None:
    log = [{"ExitCode": 1, "Output": "old"}, {"ExitCode": 1, "Output": "new"}]
    state = {"Health": {"Status": "unhealthy", "FailingStreak": 7, "Log": log}}
    podman.answers["GET", "/containers/web/json"] = (200, json.dumps({"State": state}))
    podman.answers["GET", "/containers/plain/json"] = (200, '{"State": {"Running": true}}')
    assert engine.health("web") == Health(status="unhealthy", output="new", failures=7)
    assert engine.health("plain") == Health(status="")
    assert engine.health("gone") == Health(status="")


def test_what_failed_in_the_start_period_is_counted_by_the_log(
    podman: Podman, engine: PodmanEngine
) -> None:
    log = [{"ExitCode": code, "Output": ""} for code in (1, 0, 1, -1, 125)]
    state = {"Health": {"Status": "starting", "FailingStreak": 0, "Log": log}}
    podman.answers["GET", "/containers/web/json"] = (200, json.dumps({"State": state}))
    assert engine.health("web") == Health(status="starting", failures=3)
    state = {"Health": {"Status": "starting", "FailingStreak": 0, "Log": None}}
    podman.answers["GET", "/containers/web/json"] = (200, json.dumps({"State": state}))
    assert engine.health("web") == Health(status="starting")


def test_a_container_that_vanishes_while_podman_looks_is_none(
    podman: Podman, engine: PodmanEngine
) -> None:
    said = "no container with ID 7ac6e1 found in database: no such container"
    podman.answers["GET", "/containers/web/json"] = (500, json.dumps({"message": said}))
    assert engine.health("web") == Health(status="")


def test_networks_with_their_subnets(podman: Podman, engine: PodmanEngine) -> None:
    answer = [
        {"name": "podman", "subnets": [{"subnet": "10.88.0.0/16", "gateway": "10.88.0.1"}]},
        {"name": "none"},
    ]
    podman.answers["GET", "/networks/json"] = (200, json.dumps(answer))
    assert engine.networks() == [
        Network(name="podman", subnets=("10.88.0.0/16",)),
        Network(name="none"),
    ]


def test_what_is_in_use_is_kept_and_what_is_gone_is_fine(
    podman: Podman, engine: PodmanEngine
) -> None:
    in_use = (409, '{"cause":"in use","message":"in use","response":409}')
    podman.answers["DELETE", "/networks/n"] = in_use
    podman.answers["DELETE", "/volumes/v"] = in_use
    podman.answers["POST", "/volumes/create"] = (201, "{}")
    assert not engine.remove_network("n")
    assert not engine.remove_volume("v")
    assert engine.remove_network("gone")
    assert engine.remove_volume("gone")
    engine.stop_container("gone")
    engine.remove_container("gone")
    engine.remove_pod("gone")
    engine.remove_secret("gone")


def test_volumes_are_also_those_whose_names_a_reboot_made_podman_forget(
    podman: Podman, engine: PodmanEngine
) -> None:
    podman.answers["GET", "/volumes/json"] = (200, '[{"Name":"known"},{"Name":"elsewhere"}]')
    podman.answers["GET", "/info"] = (200, '{"store": {"volumePath": "/volumes"}}')
    assert engine.volumes() == {"known", "elsewhere", "forgotten"}


def test_a_forgotten_volume_is_made_known_before_it_is_removed(
    podman: Podman, engine: PodmanEngine
) -> None:
    podman.answers["POST", "/volumes/create"] = (201, "{}")
    podman.answers["DELETE", "/volumes/v"] = (204, "")
    assert engine.remove_volume("v")
    (made, removed) = podman.asked
    assert json.loads(made[3]) == {"Name": "v", "IgnoreIfExists": True}
    assert removed[:2] == ("DELETE", "/volumes/v")


def test_a_secret_is_a_name_and_a_command_and_never_a_value(
    podman: Podman, engine: PodmanEngine
) -> None:
    podman.answers["POST", "/secrets/create"] = (200, '{"ID":"23e9"}')
    engine.create_secret("leger-web-a", lookup="cat ${CREDENTIALS_DIRECTORY}/a")
    removed, made = podman.asked
    assert removed[:2] == ("DELETE", "/secrets/leger-web-a")
    options: dict[str, Any] = json.loads(made[2]["driveropts"])
    assert (made[2]["name"], made[2]["driver"]) == ("leger-web-a", "shell")
    assert options["lookup"] == "cat ${CREDENTIALS_DIRECTORY}/a"
    assert made[3] == b"-"


def test_a_failure_of_podman_is_told(podman: Podman, engine: PodmanEngine) -> None:
    podman.answers["GET", "/networks/json"] = (500, '{"cause":"x","message":"disk on fire"}')
    with pytest.raises(PodmanUnavailable, match="disk on fire"):
        engine.networks()


def test_no_podman_at_all_is_told_with_the_socket_to_look_at(tmp_path: Path) -> None:
    engine = PodmanEngine(socket=tmp_path / "none.sock", commands=Listing())
    with pytest.raises(PodmanUnavailable) as raised:
        engine.networks()
    assert "leger-podman.socket" in raised.value.next_step
    with pytest.raises(PodmanUnavailable):
        engine.pull("x")
