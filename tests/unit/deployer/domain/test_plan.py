"""A plan says all that applying it would do, changes nothing, and warns of what will not work."""

from pathlib import Path

import pytest
from leger_deployer.domain.errors import (
    PodmanMissing,
    PodmanTooOld,
    QuadletInvalid,
    SecretsUnavailable,
    StackExists,
    StagedNotFound,
)
from leger_deployer.domain.plan import Plan
from leger_deployer.domain.progress import ignore
from leger_deployer.domain.staging import Chunk
from unit.deployer.fakes import FakeHost, planned, upload

PREFIX = "quadlet-generator[1]: "


def plan(host: FakeHost, *more: Chunk) -> Plan:
    operations = host.operations()
    staged = operations.staging.stage([*upload(), *more])
    return operations.planner.plan(staged.id, ignore)


def violations(host: FakeHost, *more: Chunk) -> str:
    with pytest.raises(QuadletInvalid) as raised:
        plan(host, *more)
    return "\n".join(f"{v.field}: {v.description}" for v in raised.value.violations)


def test_a_plan_changes_nothing_on_the_host(host: FakeHost) -> None:
    before = host.picture()
    plan(host)
    assert host.picture() == before
    assert host.trouble.changes == []


def test_a_plan_tells_units_secrets_and_assets(host: FakeHost) -> None:
    host.stored_secrets = {"api_key"}
    host.images = {"localhost/shop/web:1"}
    found = plan(host)
    assert [unit.unit for unit in found.units][-1] == "web.service"
    assert found.missing_secrets == ("db/password",)
    assert found.images_present == {"localhost/shop/web:1"}
    assert found.staged.assets == ("conf/app.yaml", "web.container.d/10-label.conf")


def test_a_service_that_nothing_starts_at_boot_is_warned_of(host: FakeHost) -> None:
    assert plan(host).warnings == ()
    host.generator_edits = {"WantedBy=multi-user.target default.target": ""}
    assert plan(host).warnings == (
        "db.container has no WantedBy= in an [Install] section: it will not start after a reboot.",
        "web.container has no WantedBy= in an [Install] section: it will not start after a reboot.",
    )


def test_a_requirement_that_names_no_unit_is_warned_of_with_the_one_that_is_meant(
    host: FakeHost,
) -> None:
    host.generator_edits = {"Requires=db.service": "Requires=shop.network.service db.service"}
    (warning,) = plan(host).warnings
    assert warning == (
        "web.container: Requires=shop.network.service names no unit of this host, so it will not"
        " start. Is shop-network.service meant?"
    )


def test_each_finding_of_the_generator_is_a_violation_of_its_field(host: FakeHost) -> None:
    host.generator_messages = (
        f"{PREFIX}converting \"web.container\": unsupported key 'Colour' in group 'Container'"
        " in {DIR}/web.container\n"
    )
    host.generator_edits = {"---web.service---": "---other.service---"}
    with pytest.raises(QuadletInvalid) as raised:
        plan(host)
    (violation,) = raised.value.violations
    assert violation.field == "web.container"
    assert violation.description == "unsupported key 'Colour' in group 'Container'"
    assert raised.value.why == "Something is wrong in web.container."


def test_a_quadlet_of_which_no_unit_is_made_is_a_violation(host: FakeHost) -> None:
    again = violations(host, Chunk("again/web.container", 0o644, b"[Container]\n"))
    assert "reads only one file named web.container" in again
    lost = violations(host, Chunk("lost.pod", 0o644, b"[Pod]\n"))
    assert "lost.pod: the generator makes no unit of it" in lost


@pytest.mark.parametrize("directory", ["container.d", "web-.container.d", "other.network.d"])
def test_a_drop_in_that_reaches_into_other_stacks_is_a_violation(
    host: FakeHost, directory: str
) -> None:
    found = violations(host, Chunk(f"{directory}/1.conf", 0o644, b"[Container]\n"))
    assert "which is no Quadlet of this stack" in found


def test_a_secret_that_the_drop_in_cannot_replace_is_a_violation(host: FakeHost) -> None:
    host.generator_edits = {"--secret leger-db": "--secret sneaked,type=env --secret leger-db"}
    assert "PodmanArgs=" in violations(host)


def test_units_that_wait_for_each_other_are_a_violation(host: FakeHost) -> None:
    host.generator_edits = {"SourcePath={DIR}/db.container": "SourcePath={DIR}/db.container\n"
                            "After=web.service"}  # fmt: skip
    assert "circle" in violations(host)


def test_an_installed_stack_cannot_be_planned_again(host: FakeHost) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    with pytest.raises(StackExists):
        plan(host)


def test_without_the_secrets_service_nothing_can_be_planned(host: FakeHost) -> None:
    host.secrets_up = False
    with pytest.raises(SecretsUnavailable):
        plan(host)


def test_without_podman_nothing_can_be_planned(host: FakeHost) -> None:
    host.podman_version = ""
    with pytest.raises(PodmanMissing):
        plan(host)


@pytest.mark.parametrize("version", ["5.3.2", "4.9.4", "3.0"])
def test_a_podman_that_is_too_old_is_named_with_what_is_needed(
    host: FakeHost, version: str
) -> None:
    host.podman_version = f"podman version {version}\n"
    with pytest.raises(PodmanTooOld, match=rf"podman {version}; leger needs 5\.4"):
        plan(host)


@pytest.mark.parametrize("version", ["5.4.0", "5.10.1", "6.0.0-rc1"])
def test_a_podman_that_will_do(host: FakeHost, version: str) -> None:
    host.podman_version = f"podman version {version}\n"
    assert plan(host).units


def test_what_is_not_staged_cannot_be_planned(host: FakeHost) -> None:
    with pytest.raises(StagedNotFound):
        host.operations().planner.plan("shop-0", ignore)


def test_drop_ins_lie_beside_untouched_quadlets(host: FakeHost) -> None:
    staged = plan(host).staged
    original = Path(__file__).parent.parent / "recorded/shop/web.container"
    assert (staged.directory / "web.container").read_bytes() == original.read_bytes()
    names = sorted(path.parent.name for path in staged.directory.rglob("90-leger.conf"))
    assert names == [f"{file}.d" for file in sorted(staged.quadlets)]
