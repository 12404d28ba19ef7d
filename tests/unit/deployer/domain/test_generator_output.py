"""What the generator prints is understood: units, their words, and what it complains about."""

from pathlib import PurePosixPath

import pytest
from leger_deployer.domain.generator_output import (
    Finding,
    GeneratedUnit,
    parse_findings,
    parse_units,
)
from leger_deployer.domain.quadlet_file import parse
from leger_deployer.domain.stack import UnitKind
from unit.deployer.fakes import RECORDED

PREFIX = "quadlet-generator[123]: "


def recorded() -> dict[str, GeneratedUnit]:
    text = (RECORDED / "shop.raw.txt").read_text(encoding="utf-8").replace("{DIR}", "/staged/shop")
    return {unit.name: unit for unit in parse_units(text)}


def unit(name: str, text: str = "") -> GeneratedUnit:
    return GeneratedUnit(name=name, source=PurePosixPath("/s/x.container"), file=parse(text))


def test_every_unit_is_found_with_the_file_it_comes_from() -> None:
    units = recorded()
    assert {name: found.source.name for name, found in units.items()} == {
        "cache-image.service": "cache.image",
        "db-data-volume.service": "db-data.volume",
        "shop-network.service": "shop.network",
        "cache.service": "cache.container",
        "db.service": "db.container",
        "web.service": "web.container",
    }
    assert units["shop-network.service"].kind is UnitKind.NETWORK


def test_a_name_with_a_space_is_a_units_too() -> None:
    text = "---my app.service---\n[Unit]\nSourcePath=/s/my app.container\n"
    assert [found.name for found in parse_units(text)] == ["my app.service"]


def test_the_words_of_a_command_are_those_that_systemd_runs() -> None:
    database = recorded()["db.service"]
    assert database.podman == "/usr/bin/podman"
    assert database.words("ExecStart")[-4:] == ["serve", "--fast", "--name", "two words"]


def test_references_are_names_of_units_with_specifiers_resolved() -> None:
    found = unit("a@one.service", "[Unit]\nAfter=b@%i.service %N.target\nAfter=c.service\n")
    assert found.references("After") == {"b@one.service", "a@one.target", "c.service"}


@pytest.mark.parametrize(
    ("name", "word", "expanded"),
    [
        ("web.service", "systemd-%N", "systemd-web"),
        ("web.service", "%n 100%%", "web.service 100%"),
        ("a@b.service", "%p_%i", "a_b"),
        ("web.service", "%h/data", None),
        ("a@.service", "%i", None),
        ("a@.service", "%p", "a"),
    ],
)
def test_only_what_a_units_name_decides_is_expanded(
    name: str, word: str, expanded: str | None
) -> None:
    assert unit(name).expand(word) == expanded


def test_what_is_wrong_is_told_with_the_file_and_without_the_staged_path() -> None:
    messages = (
        f"{PREFIX}Loading source unit file /st/x/a.container\n"
        f"{PREFIX}converting \"a.container\": unsupported key 'Foo' in group 'Container'"
        " in /st/x/a.container\n"
        f'{PREFIX}error loading "/st/x/sub/b.pod", file contains line 1: “[Pod” which is no group\n'
        f'{PREFIX}converting "c.container": requested Quadlet unit no.network was not found\n'
        f"{PREFIX}No files parsed from [/st/x]\n"
    )
    files = ["a.container", "sub/b.pod", "c.container"]
    findings, warnings = parse_findings(messages, directory="/st/x", files=files)
    assert findings == [
        Finding(file="a.container", text="unsupported key 'Foo' in group 'Container'"),
        Finding(file="sub/b.pod", text="file contains line 1: “[Pod” which is no group"),
        Finding(file="c.container", text="requested Quadlet unit no.network was not found"),
    ]
    assert warnings == []


def test_what_is_wrong_elsewhere_on_the_host_is_not_the_stacks_fault() -> None:
    messages = f'{PREFIX}converting "theirs.container": no Image or Rootfs key specified\n'
    assert parse_findings(messages, directory="/st/x", files=["a.container"]) == ([], [])


def test_a_warning_is_no_finding() -> None:
    messages = f'{PREFIX}Warning: a.container specifies the image "x" which not fully qualified\n'
    findings, warnings = parse_findings(messages, directory="/st/x", files=["a.container"])
    assert findings == []
    assert warnings == ['a.container specifies the image "x" which not fully qualified']


def test_a_message_of_several_lines_is_one() -> None:
    messages = f'{PREFIX}converting "a.container": first\nsecond\n'
    findings, _ = parse_findings(messages, directory="/st/x", files=["a.container"])
    assert [finding.text for finding in findings] == ["first second"]


def test_a_drop_in_is_named_itself() -> None:
    messages = f'{PREFIX}error loading "/st/x/a.container.d/1.conf", line 1 is wrong\n'
    findings, _ = parse_findings(messages, directory="/st/x", files=["a.container"])
    assert findings[0].file == "a.container.d/1.conf"
