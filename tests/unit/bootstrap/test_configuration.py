import json
import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from leger_bootstrap import configuration, http_socket, purge, scope, status
from leger_bootstrap.bootstrap import ConfigurationRefused
from leger_bootstrap.commands import Outcome
from leger_bootstrap.configuration import Configuration, ConfigurationInvalid
from leger_bootstrap.health import Health
from leger_bootstrap.scope import Scope
from leger_runtime.errors import Kind
from unit.bootstrap.conftest import FIRST, ROOT, SECOND, Host

SHIPPED = ROOT / "rpm/leger.toml"
REFERENCE = ROOT / "docs/reference/configuration.md"


def written(scope: Scope, text: str) -> Path:
    scope.config.mkdir(exist_ok=True)
    path = configuration.path(scope)
    path.write_text(text)
    return path


def read(scope: Scope, text: str) -> Configuration:
    written(scope, text)
    return configuration.read(scope)


def drop_in(scope: Scope) -> Path:
    return scope.units / http_socket.FILE


# -- what is shipped ---------------------------------------------------------------------------


def uncommented() -> str:
    return re.sub(r"^#(\w+ = |\[)", r"\1", SHIPPED.read_text(), flags=re.MULTILINE)


def test_the_shipped_file_decides_nothing(scope: Scope) -> None:
    assert read(scope, SHIPPED.read_text()) == Configuration()


def test_the_shipped_file_shows_each_option_with_what_is_so_without_it(scope: Scope) -> None:
    shown = read(scope, uncommented())
    socket = (ROOT / "rpm/units/leger-setec.socket").read_text()
    assert shown == Configuration(
        backup_directory=Path("/var/lib/legerd/backups"),
        listen=re.findall(r"^ListenStream=(.*)", socket, re.MULTILINE)[0],
    )
    assert len(re.findall(r"^#\w+ = ", SHIPPED.read_text(), re.MULTILINE)) == len(
        configuration.OPTIONS
    )


def examples() -> list[str]:
    pages = sorted((ROOT / "docs").rglob("*.md"))
    blocks = [re.findall(r"```toml\n(\[secrets.*?)```", p.read_text(), re.DOTALL) for p in pages]
    return [block for page in blocks for block in page]


def test_every_example_can_be_pasted_below_the_shipped_file(scope: Scope) -> None:
    assert len(examples()) >= 2
    for example in examples():
        assert read(scope, SHIPPED.read_text() + example) == read(scope, example)
        assert read(scope, example) != Configuration()


def test_the_reference_has_each_option() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \|", REFERENCE.read_text(), re.MULTILINE)
    assert documented == list(configuration.OPTIONS)


# -- what it may say ---------------------------------------------------------------------------


def test_no_file_decides_nothing(scope: Scope) -> None:
    assert configuration.read(scope) == Configuration()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"127.0.0.1:8090"', "127.0.0.1:8090"),
        ('"[::1]:8090"', "[::1]:8090"),
        ("false", False),
    ],
)
def test_the_api_listens_on_this_machine_or_not_at_all(
    scope: Scope, value: str, expected: str | bool
) -> None:
    assert read(scope, f"[secrets.http]\nlisten = {value}\n").listen == expected


def test_a_directory_is_normalised(scope: Scope) -> None:
    found = read(scope, '[secrets]\nbackup_directory = "//mnt//backups/./a/"\n')
    assert found.backup_directory == Path("/mnt/backups/a")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[secrets.http]\nlisen = false\n", "perhaps `secrets.http.listen` is meant."),
        ("[secrets.http]\nlisen = false\n", "Line 2: `secrets.http.lisen` is not known"),
        ("\n[secret]\n", "Line 2: `secret` is not known; perhaps `secrets` is meant."),
        ('"secrets.http.listen" = false\n', 'Line 1: `"secrets.http.listen"` is not known'),
        ('"\\u001b" = false\n', 'Line 1: `"\\u001b"` is not known'),
        ("secrets = 1\n", "Line 1: `secrets` is a table: write [secrets]."),
        ("[secrets]\nhttp = 1\n", "Line 2: `secrets.http` is a table: write [secrets.http]."),
        ("[secrets]\n# no\nhttp.listen = 1\n", "Line 3: `secrets.http.listen` takes an address"),
        ("[[secrets]]\n", "Line 1: `secrets` is a table"),
        ("[secrets.http]\nlisten = true\n", "or false."),
        ('[secrets.http]\nlisten = "localhost:8080"\n', 'such as "127.0.0.1:8080"'),
        ('[secrets.http]\nlisten = "127.0.0.1:0"\n', "takes an address with a port"),
        ('[secrets.http]\nlisten = "127.0.0.1:65536"\n', "takes an address with a port"),
        ('[secrets.http]\nlisten = "0.0.0.0:8080"\n', "would cross the network in the clear"),
        ("[secrets]\nbackup_directory = 1\n", "Line 2: `secrets.backup_directory` takes an"),
        ('[secrets]\nbackup_directory = "a"\n', "an absolute path"),
        ('[secrets]\nbackup_directory = "/a b"\n', "without blanks"),
        ('[secrets]\nbackup_directory = "/a/../b"\n', "without blanks, .."),
        ('[secrets]\nbackup_directory = "/a\\nExec=b"\n', "without blanks"),
        ('[secrets]\nbackup_directory = "/"\n', "the service has /usr of its own"),
        ('[secrets]\nbackup_directory = "/usr/backups"\n', "the service has /usr of its own"),
        ("[secrets\n", "Line 1: this is not TOML: expected ']' at the end of a table declaration."),
        ("\n[secrets]\nhttp = {", "Line 3: this is not TOML: "),
        ("[secrets.http]\n\n[ secrets.http ] # again\n",
         "Line 3: the table [ secrets.http ] is there already. Write all of it in one place."),
        ("[secrets.http]\nlisten = false\nlisten = false\n",
         "Line 3: this key has a value already. Leave one of the two."),
        ("\nlisten = " + 5_000 * "9", "Line 2: this number is too long."),
        ("[secrets]\n# caf\udce9\n", "Line 2: there is a byte, 0xe9, that is not UTF-8."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(scope: Scope, text: str, why: str) -> None:
    path = written(scope, "")
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationInvalid) as caught:
        configuration.read(scope)
    assert why in caught.value.why
    assert str(path) in caught.value.what
    assert caught.value.kind is Kind.INVALID


def test_a_byte_order_mark_says_nothing(scope: Scope) -> None:
    found = read(scope, "\ufeff[secrets.http]\nlisten = false\n")
    assert found.listen is False
    with pytest.raises(ConfigurationInvalid, match="Line 1: `listen` is not known"):
        read(scope, "\ufefflisten = 1\n")


def test_a_file_that_everybody_can_write_to_is_not_trusted(scope: Scope) -> None:
    written(scope, "").chmod(0o666)
    with pytest.raises(ConfigurationInvalid, match="Everybody"):
        configuration.read(scope)


def test_a_pipe_is_not_waited_for(scope: Scope) -> None:
    scope.config.mkdir()
    os.mkfifo(configuration.path(scope))
    with pytest.raises(ConfigurationInvalid, match="no ordinary file"):
        configuration.read(scope)


# -- what comes of it --------------------------------------------------------------------------


def test_a_mistake_changes_nothing_and_leaves_the_pod_alone(scope: Scope, host: Host) -> None:
    host.bootstrap()
    written(scope, "[secrets]\nbackups = 1\n")
    host.is_of_unit = False
    with pytest.raises(ConfigurationInvalid):
        host.bootstrap()
    assert host.verbs() == ["--version"]
    assert host.running == FIRST


def test_a_start_with_a_mistake_runs_what_was_healthy_and_says_it(scope: Scope, host: Host) -> None:
    host.bootstrap()
    host.running = None  # as at a boot
    written(scope, "[secrets]\nbackups = 1\n")
    said = host.bootstrap()
    assert host.running == FIRST
    assert "has a mistake: what it said before stays in force." in said[-1]
    host.legerd = "reloading"
    with pytest.raises(ConfigurationInvalid):
        host.bootstrap()


def test_a_mistake_at_an_upgrade_keeps_the_version_before_until_it_is_mended(
    scope: Scope, host: Host
) -> None:
    host.bootstrap()
    path = written(scope, "x = 1\n")
    host.install(SECOND)
    host.bootstrap()
    assert host.running == FIRST
    path.unlink()
    host.bootstrap()
    assert host.running == SECOND


def test_a_mistake_at_the_first_start_of_all_starts_nothing(scope: Scope, host: Host) -> None:
    written(scope, "x = 1\n")
    with pytest.raises(ConfigurationInvalid):
        host.bootstrap()
    assert host.running is None


def test_another_address_restarts_the_secrets_service_with_its_socket_and_nothing_else(
    scope: Scope, host: Host
) -> None:
    host.bootstrap()
    written(scope, '[secrets.http]\nlisten = "127.0.0.1:8090"\n')
    host.bootstrap()
    assert "[Socket]\nListenStream=\nListenStream=127.0.0.1:8090\n" in drop_in(scope).read_text()
    assert [line for line in host.ran if " stop " in line or " restart " in line] == [
        "systemctl stop leger-setec.socket",
        "systemctl restart leger-secrets.service",
    ]
    assert host.ran.index("systemctl daemon-reload") < host.ran.index(
        "systemctl stop leger-setec.socket"
    )
    host.bootstrap()
    assert host.verbs() == ["--version", "start"]


def test_an_address_has_the_service_want_its_socket_in_every_scope(
    scope: Scope, host: Host
) -> None:
    written(scope, '[secrets.http]\nlisten = "127.0.0.1:8090"\n')
    host.bootstrap()
    container = scope.quadlets / "legerd/leger-secrets.container.d/10-host.conf"
    assert "\nWants=leger-setec.socket\n" in container.read_text()


def test_no_api_is_a_condition_that_names_the_file(scope: Scope, host: Host) -> None:
    path = written(scope, "[secrets.http]\nlisten = false\n")
    host.bootstrap()
    assert f"[Unit]\nConditionPathExists=!{path}\n" in drop_in(scope).read_text()


def test_an_option_that_is_taken_away_leaves_no_drop_in(scope: Scope, host: Host) -> None:
    path = written(scope, "[secrets.http]\nlisten = false\n")
    host.bootstrap()
    path.unlink()
    host.bootstrap()
    assert not drop_in(scope).parent.exists()
    assert "systemctl stop leger-setec.socket" in host.ran


def test_a_purge_leaves_the_drop_ins_of_others(scope: Scope, host: Host) -> None:
    written(scope, "[secrets.http]\nlisten = false\n")
    host.bootstrap()
    other = drop_in(scope).with_name("override.conf")
    other.touch()
    found = purge.find(scope, host)
    assert drop_in(scope) in found.paths
    purge.Purge(scope=scope, run=host, say=lambda _: None).carry_out(found, volumes=False)
    assert list(scope.units.rglob("*.conf")) == [other]


def test_a_configuration_that_does_not_work_is_taken_back(
    scope: Scope, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.bootstrap()
    path = written(scope, '[secrets]\nbackup_directory = "/mnt/backups"\n')
    start = host._start

    def refuse(verb: str, units: Sequence[str]) -> Outcome:
        container = scope.quadlets / "legerd/leger-secrets.container.d/10-host.conf"
        host.broken = {FIRST} if "/mnt/backups" in container.read_text() else set()
        return start(verb, units)

    monkeypatch.setattr(host, "_start", refuse)
    said = host.bootstrap()
    assert said[-1].startswith(f"What {path} says was tried and taken back.")
    assert "Correct leger.toml" in said[-1]
    assert host.running == FIRST
    host.legerd = "reloading"
    for _ in ("tried", "not tried again"):
        path.write_text(path.read_text() + "\n")
        with pytest.raises(ConfigurationRefused) as caught:
            host.bootstrap()
        assert caught.value.kind is Kind.CONFLICT
        assert caught.value.what == f"What {path} says was tried and taken back."
        assert "exec format error" in caught.value.why
        assert caught.value.why.endswith("The services run on as they did.")
    assert host.running == FIRST
    path.unlink()
    assert host.bootstrap()[-1] == "the services are ready"


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_an_address_that_is_taken_leaves_the_api_where_it_was(
    scope: Scope, host: Host, address: str
) -> None:
    host.bootstrap()
    host.legerd = "reloading"
    family = socket.AF_INET if address == "127.0.0.1" else socket.AF_INET6
    with socket.create_server((address.strip("[]"), 0), family=family) as other:
        host.taken = f"{address}:{other.getsockname()[1]}"
        written(scope, f'[secrets.http]\nlisten = "{host.taken}"\n')
        with pytest.raises(ConfigurationRefused) as caught:
            host.bootstrap()
    assert f"cannot listen on {host.taken}: Address already in use." in caught.value.why
    assert "`ss -ltnp`" in caught.value.next_step
    assert "legerd bootstrap --retry" in caught.value.next_step
    assert not drop_in(scope).exists()
    # Nothing was touched: a restart would seal a store that has a passphrase.
    assert set(host.verbs()) == {"--version", "show", "start"}
    assert host.bound == "127.0.0.1:8080"
    host.taken = ""
    host.bootstrap(retry=True)
    assert drop_in(scope).exists()


def test_an_address_that_the_socket_has_already_is_not_taken(scope: Scope, host: Host) -> None:
    host.bootstrap()
    with socket.create_server(("127.0.0.1", 0)) as own:
        host.bound = host.loaded_address = f"127.0.0.1:{own.getsockname()[1]}"
        written(scope, f'[secrets.http]\nlisten = "{host.bound}"\n')
        assert host.bootstrap()[-1] == "the services are ready"


def test_an_address_that_is_taken_after_it_was_looked_at_is_taken_back(
    scope: Scope, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.bootstrap()
    host.is_of_unit = False
    monkeypatch.setattr(http_socket, "taken", lambda *_: None)
    host.health[FIRST] = Health()
    with socket.create_server(("127.0.0.1", 0)) as other:
        host.taken = f"127.0.0.1:{other.getsockname()[1]}"
        written(scope, f'[secrets.http]\nlisten = "{host.taken}"\n')
        start = host._start

        def seal(verb: str, units: Sequence[str]) -> Outcome:
            host.health[FIRST] = Health(seal_reason="PASSPHRASE_NEEDED", seal="It is sealed.")
            return start(verb, units)

        monkeypatch.setattr(host, "_start", seal)
        with pytest.raises(ConfigurationRefused) as caught:
            host.bootstrap()
    assert "Address already in use." in caught.value.why
    assert caught.value.why.endswith("as they did, but the secrets store is sealed.")
    assert [line for line in host.ran if " stop " in line or " restart " in line] == 2 * [
        "systemctl stop leger-setec.socket",
        "systemctl restart leger-secrets.service",
    ]
    # Else systemd would no more start it after the third of them.
    assert host.ran.count("systemctl reset-failed leger-setec.socket") == 2
    assert host.bound == "127.0.0.1:8080"


def test_a_socket_that_fails_for_what_only_systemd_knows_names_where_it_says_it(
    scope: Scope, host: Host
) -> None:
    host.bootstrap()
    with socket.create_server(("127.0.0.1", 0)) as other:
        host.taken = f"127.0.0.1:{other.getsockname()[1]}"
    written(scope, f'[secrets.http]\nlisten = "{host.taken}"\n')
    assert (
        "`systemctl status leger-setec.socket` says why. Correct leger.toml" in host.bootstrap()[-1]
    )


def test_a_socket_that_failed_before_is_nothing_that_another_change_broke(
    scope: Scope, host: Host
) -> None:
    host.taken = "127.0.0.1:8080"
    host.bootstrap()
    written(scope, '[secrets]\nbackup_directory = "/mnt/backups"\n')
    assert host.bootstrap()[-1] == "the services are ready"


# -- what is told of it ------------------------------------------------------------------------


def told(scope: Scope, host: Host) -> dict[str, object]:
    found = status.read(scope, share=host.share, run=host)
    described: dict[str, object] = json.loads(status.as_json(found))["configuration"]
    return described


def test_a_change_that_was_not_read_is_told(scope: Scope, host: Host) -> None:
    host.bootstrap()
    assert told(scope, host)["in_force"] is True
    path = written(scope, "[secrets.http]\nlisten = false\n")
    assert told(scope, host) == {
        "file": str(path), "in_force": False, "http": False, "why": None, "next": None,
    }  # fmt: skip
    host.bootstrap()
    assert told(scope, host)["in_force"] is True


def test_a_mistake_is_told_and_is_no_failure(scope: Scope, host: Host) -> None:
    host.bootstrap()
    written(scope, "x = 1\n")
    assert "Line 1: `x` is not known" in str(told(scope, host)["why"])
    found = status.read(scope, share=host.share, run=host)
    assert "→ Correct it, then run `legerd bootstrap`." in status.as_text(found)


def test_a_configuration_that_was_taken_back_is_told_as_one(scope: Scope, host: Host) -> None:
    host.bootstrap()
    host.health[FIRST] = Health(silent={"secrets": "The secrets service does not answer."})
    path = written(scope, '[secrets]\nbackup_directory = "/mnt/backups"\n')
    host.bootstrap()
    found = status.read(scope, share=host.share, run=host)
    assert f"What {path} says was tried and taken back." in status.as_text(found)
    assert json.loads(status.as_json(found))["refused"]["what"] == "configuration"


@pytest.mark.parametrize("since", ["", "x = 1\n", "[secrets.http]\nlisten = false\n"])
def test_a_configuration_that_was_changed_since_it_was_taken_back_is_not_told(
    scope: Scope, host: Host, since: str
) -> None:
    host.bootstrap()
    host.health[FIRST] = Health(silent={"secrets": "The secrets service does not answer."})
    written(scope, '[secrets]\nbackup_directory = "/mnt/backups"\n')
    host.bootstrap()
    written(scope, since)
    assert status.read(scope, share=host.share, run=host).refused is None


def test_a_users_drop_ins_are_where_that_users_systemd_looks() -> None:
    alice = scope.user(environment={}, home=Path("/home/alice"), uid=1000, account="alice")
    assert alice.units == Path("/home/alice/.config/systemd/user")
