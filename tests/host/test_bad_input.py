"""Whatever is wrong with an input is said in three parts, and the host stays exactly as it was."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Answer, Host
from stacks import sleeper

USAGE, NOT_FOUND, CONFLICT, INVALID, UNAVAILABLE = 2, 5, 6, 7, 8


def picture(host: Host) -> str:
    """What must be the same before and after: Quadlets, leger's state, units, podman's things."""
    return host.do(
        "find /etc/containers/systemd /var/lib/leger/active /var/lib/leger/generations "
        "-printf '%p %l %s\\n' 2>/dev/null | sort;"
        "systemctl list-units --all --plain --no-legend --no-pager "
        "| grep -v -e leger-podman -e 'run-[up]' -e '\\.device' -e 'session-' "
        # These come and go by themselves, or with what tests mounted.
        "-e leger-host -e var-lib-leger -e netavark-dhcp-proxy "
        "| awk '{print $1, $2, $3, $4}';"
        "podman secret ls -q | wc -l; podman volume ls -q; podman network ls -q;"
        "podman --transient-store ps -aq; podman --transient-store volume ls -q"
    )


@contextmanager
def unchanged(host: Host) -> Iterator[None]:
    """Assert that the host is the same after as before."""
    before = picture(host)
    yield
    assert picture(host) == before


def assert_refused(answer: Answer, code: int, *words: str) -> None:
    """Assert an exit code and an error of three parts that says all of `words`."""
    assert answer.code == code, answer
    assert re.search(r"^error: .+\n  .+\n(  .*\n)*  → .+", answer.err, re.MULTILINE), answer.err
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err, answer.err


def install(host: Host, directory: str, *, name: str = "bad") -> Answer:
    return host.run(f"leger deploy install {directory} --name {name} --yes")


def test_an_unknown_key_in_a_quadlet_is_invalid(host: Host) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper("Colour=blue")})
    with unchanged(host):
        assert_refused(install(host, directory), INVALID, "Colour", "bad.container")
        assert_refused(host.run(f"leger validate {directory}"), INVALID, "Colour")


@pytest.mark.parametrize("name", ["a b", "\N{LATIN CAPITAL LETTER A WITH DIAERESIS}", "$x", "a'b"])
def test_a_quadlet_whose_name_makes_no_unit_is_named(host: Host, name: str) -> None:
    stack = {"good.container": sleeper(), f"{name}.container": sleeper()}
    directory = host.push_stack("bad", stack)
    with unchanged(host):
        assert_refused(install(host, directory), INVALID, f"{name}.container")


def test_a_secret_that_is_not_stored_is_not_found_and_the_error_tells_how_to_store_it(
    host: Host,
) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper("Secret=nobody_stored_me")})
    with unchanged(host):
        assert_refused(install(host, directory), NOT_FOUND, "leger secrets put nobody_stored_me")


def test_a_secret_that_is_not_stored_does_not_stop_a_dry_run(host: Host) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper("Secret=nobody_stored_me")})
    with unchanged(host):
        shown = host.do(f"leger deploy install {directory} --dry-run")
    assert "nobody_stored_me" in shown


@pytest.mark.parametrize("name", ["a/../b", "../x", "a//b", "a/./b"])
def test_a_secrets_name_that_climbs_is_invalid(host: Host, name: str) -> None:
    with unchanged(host):
        assert_refused(host.run(f"leger secrets put {name}", stdin="value"), INVALID, name)


@pytest.mark.parametrize("name", ["../etc", "a/../b", "Upper", "a b"])
def test_a_stacks_name_that_is_not_one_is_invalid(host: Host, name: str) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper()})
    with unchanged(host):
        assert_refused(host.run(f"leger deploy install {directory} --name '{name}' --yes"), INVALID)


def test_a_directory_without_quadlets_is_invalid(host: Host) -> None:
    directory = host.push_stack("bad", {"notes.txt": "nothing to run"})
    with unchanged(host):
        assert_refused(install(host, directory), INVALID, "Quadlet")


def test_a_directory_that_is_not_there_is_not_found(host: Host) -> None:
    with unchanged(host):
        assert_refused(install(host, "/root/nowhere"), NOT_FOUND, "/root/nowhere")


def test_a_port_that_something_listens_on_is_a_conflict(host: Host) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper("PublishPort=127.0.0.1:18091:80")})
    host.do(
        "systemd-run --quiet --unit=squatter python3 -m http.server -b 127.0.0.1 18091;"
        "until curl -s 127.0.0.1:18091 >/dev/null; do sleep 0.1; done"
    )
    try:
        with unchanged(host):
            assert_refused(install(host, directory), CONFLICT, "18091")
    finally:
        host.do("systemctl stop squatter")


def test_a_stacks_name_that_exists_is_a_conflict(host: Host) -> None:
    directory = host.push_stack("twice", {"twice.container": sleeper()})
    assert install(host, directory, name="twice").code == 0
    try:
        with unchanged(host):
            assert_refused(install(host, directory, name="twice"), CONFLICT, "twice")
    finally:
        host.do("leger deploy remove twice --yes")


def test_a_unit_that_exists_is_a_conflict(host: Host) -> None:
    directory = host.push_stack("bad", {"dbus.container": sleeper()})
    with unchanged(host):
        assert_refused(install(host, directory), CONFLICT, "dbus.service")


def test_a_full_disk_is_unavailable_and_nothing_is_left(host: Host) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper(), "asset.bin": "x" * (3 << 20)})
    # Its own small file system under the deployer's state, full but for a little.
    host.do(
        "systemctl stop leger-deployer && cp -a /var/lib/leger /root/leger.saved"
        " && mount -t tmpfs -o size=2m,mode=0700 tmpfs /var/lib/leger"
        " && cp -a /root/leger.saved/. /var/lib/leger && systemctl start leger-deployer"
    )
    try:
        with unchanged(host):
            assert_refused(install(host, directory), UNAVAILABLE, "space")
    finally:
        host.do(
            "systemctl stop leger-deployer && umount /var/lib/leger"
            " && rm -rf /root/leger.saved && systemctl start leger-deployer"
        )


def test_a_secret_cannot_be_put_on_a_full_disk_and_the_store_stays_whole(host: Host) -> None:
    host.put("kept", "kept-value")
    host.do(
        "systemctl stop leger-secrets && cp -a /var/lib/legerd /root/legerd.saved"
        " && mount -t tmpfs -o size=1m,mode=0700 tmpfs /var/lib/legerd"
        " && cp -a /root/legerd.saved/. /var/lib/legerd && systemctl start leger-secrets"
    )
    try:
        host.run("head -c 2000000 /dev/zero > /var/lib/legerd/filler")
        answer = host.run("leger secrets put big", stdin="v" * 500_000)
        assert_refused(answer, UNAVAILABLE, "space")
        host.do("rm /var/lib/legerd/filler")
        assert host.do("leger secrets get kept") == "kept-value"
        assert host.run("leger secrets get big").code == NOT_FOUND
    finally:
        host.do(
            "systemctl stop leger-secrets && umount /var/lib/legerd"
            " && rm -rf /root/legerd.saved && systemctl start leger-secrets"
            " && leger secrets delete kept --yes"
        )


def test_a_stopped_secrets_service_is_named_by_every_command_that_needs_it(host: Host) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper()})
    host.do("systemctl stop leger-secrets")
    try:
        with unchanged(host):
            assert_refused(install(host, directory), UNAVAILABLE, "leger-secrets")
            assert_refused(host.run("leger secrets list"), UNAVAILABLE, "leger-secrets")
    finally:
        host.do("systemctl start leger-secrets")


@pytest.mark.parametrize(
    ("podman", "code", "words"),
    [
        ("", UNAVAILABLE, ("podman",)),
        ("#!/bin/sh\necho podman version 5.3.2\n", CONFLICT, ("5.3.2", "5.4")),
    ],
    ids=["missing", "too old"],
)
def test_a_podman_that_will_not_do_is_named(
    host: Host, podman: str, code: int, words: tuple[str, ...]
) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper()})
    before = picture(host)
    host.do("mv /usr/bin/podman /usr/bin/podman.real")
    if podman:
        host.do("cat > /usr/bin/podman && chmod +x /usr/bin/podman", stdin=podman)
    try:
        assert_refused(install(host, directory), code, *words)
        assert_refused(host.run("legerd bootstrap"), code, *words)
    finally:
        host.do("mv /usr/bin/podman.real /usr/bin/podman")
    assert picture(host) == before


def test_a_value_on_the_command_line_is_refused_and_not_repeated(host: Host) -> None:
    with unchanged(host):
        answer = host.run("leger secrets put api_key hunter2-canary")
        assert_refused(answer, USAGE)
        assert "hunter2-canary" not in answer.err + answer.out


def test_installing_without_a_terminal_asks_for_yes(host: Host) -> None:
    directory = host.push_stack("bad", {"bad.container": sleeper()})
    with unchanged(host):
        assert_refused(host.run(f"leger deploy install {directory}"), USAGE, "--yes")


def test_a_stack_that_is_not_installed_cannot_be_removed(host: Host) -> None:
    with unchanged(host):
        assert_refused(host.run("leger deploy remove nothing --yes"), NOT_FOUND, "nothing")


def test_a_container_that_fails_takes_the_whole_stack_away_again_and_says_why(host: Host) -> None:
    failing = sleeper().replace(
        '["/usr/bin/sleep", "infinity"]', '["/bin/sh", "-c", "echo no such luck; exit 3"]'
    )
    directory = host.push_stack(
        "bad",
        {
            "bad-one.container": sleeper("Volume=bad-data.volume:/data"),
            "bad-data.volume": "[Volume]\n",
            "bad-two.container": failing.replace("[Unit]", "[Unit]\nAfter=bad-one.service") + "\n",
        },
    )
    with unchanged(host):
        assert_refused(install(host, directory), UNAVAILABLE, "bad-two", "no such luck")
