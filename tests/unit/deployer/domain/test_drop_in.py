"""Drop-ins, to the letter."""

from pathlib import PurePosixPath

import pytest
from leger_deployer.domain import drop_in
from leger_deployer.domain.drop_in import UnitFacts, podman_secret_name
from leger_deployer.domain.health_check import HealthCheck
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.secret_options import parse
from leger_deployer.domain.stack import UnitKind

HEADING = "# Written by leger, and written anew with every deployment.\n"
PROBE = (
    "--timer-property=AccuracySec=100ms --timer-property=DefaultDependencies=no"
    " --property=DefaultDependencies=no --property=LogLevelMax=notice"
    " --property=SuccessExitStatus=1"
    " --property=Restart=on-failure --property=RestartSec=250ms"
    " --property=StartLimitIntervalSec=0 --setenv=DISABLE_HC_SYSTEMD=true"
    " /usr/bin/podman --transient-store=true healthcheck run"
)


def render(unit: UnitFacts, scope: Scope) -> str:
    return drop_in.render(unit, scope, volume_store=PurePosixPath("/store"))


def facts(
    *secrets: str, unit: str = "web.service", health: HealthCheck | None = None, **more: object
) -> UnitFacts:
    return UnitFacts(
        unit=unit,
        kind=UnitKind.CONTAINER,
        container="systemd-%N",
        secrets=tuple(parse(secret) for secret in secrets),
        health=health,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("kind", [kind for kind in UnitKind if kind is not UnitKind.CONTAINER])
def test_all_other_kinds_only_move_to_the_transient_store(kind: UnitKind) -> None:
    rendered = render(UnitFacts(unit="x.service", kind=kind), Scope.SYSTEM)
    assert rendered == f"{HEADING}[{kind.section}]\nGlobalArgs=--transient-store=true\n"


def test_a_container_without_secrets_and_health_check() -> None:
    assert render(facts(), Scope.SYSTEM) == (
        f"{HEADING}[Container]\nGlobalArgs=--transient-store=true\n\n"
        "[Service]\nEnvironment=DISABLE_HC_SYSTEMD=true\n"
    )


def test_a_container_with_variables_and_files() -> None:
    rendered = render(
        facts("alpha,type=env,target=ALPHA", "beta", "a/b,target=/etc/ab,mode=0440,uid=5,gid=6"),
        Scope.SYSTEM,
    )
    assert rendered == (
        f"{HEADING}[Unit]\n"
        "Wants=leger-secrets.service\n"
        "After=leger-secrets.service\n"
        "\n"
        "[Container]\n"
        "GlobalArgs=--transient-store=true\n"
        "Secret=\n"
        "Secret=leger-web-alpha,type=env,target=ALPHA\n"
        "Volume=%t/leger/mounts/%N/beta:/run/secrets/beta:ro,Z\n"
        "Volume=%t/leger/mounts/%N/1/a_b-c14cddc0:/etc/ab:ro,Z\n"
        "\n"
        "[Service]\n"
        "LoadCredential=alpha:%t/leger/secrets/credentials.sock\n"
        "LoadCredential=beta:%t/leger/secrets/credentials.sock\n"
        "LoadCredential=a_b-c14cddc0:%t/leger/secrets/credentials.sock\n"
        "RuntimeDirectory=leger/mounts/%N\n"
        "RuntimeDirectoryMode=0700\n"
        "ExecStartPre=/usr/bin/test -s %d/beta -a -s %d/a_b-c14cddc0\n"
        "ExecStartPre=/usr/bin/install -D -m 0444 -t %t/leger/mounts/%N %d/beta\n"
        "ExecStartPre=/usr/bin/install -D -m 0440 -o 5 -g 6 -t %t/leger/mounts/%N/1"
        " %d/a_b-c14cddc0\n"
        "Environment=DISABLE_HC_SYSTEMD=true\n"
    )


def test_files_of_one_mode_and_owner_are_laid_out_by_one_command() -> None:
    rendered = render(facts(*(f"s{n}" for n in range(20))), Scope.SYSTEM)
    assert rendered.count("ExecStartPre=/usr/bin/install ") == 1
    assert rendered.count("LoadCredential=") == 20


def test_one_secret_as_file_and_variable_is_one_credential() -> None:
    rendered = render(facts("a", "a,type=env", "a,target=b"), Scope.SYSTEM)
    assert rendered.count("LoadCredential=a:") == 1
    assert rendered.count("/usr/bin/install -D -m 0444 -t %t/leger/mounts/%N %d/a\n") == 1
    assert rendered.count("Volume=") == 2


def test_in_the_user_scope_owners_are_those_of_podmans_user_namespace() -> None:
    rendered = render(facts("a,uid=5", "b"), Scope.USER)
    unshared = "ExecStartPre=/usr/bin/podman --transient-store=true unshare /usr/bin/install"
    assert f"{unshared} -D -m 0444 -o 5 -g 0" in rendered
    assert "ExecStartPre=/usr/bin/install -D -m 0444 -t %t/leger/mounts/%N/1 %d/b" in rendered


def test_a_unit_that_has_a_runtime_directory_keeps_its_own_mode() -> None:
    rendered = render(facts("a", own_runtime_directory=True), Scope.SYSTEM)
    assert "RuntimeDirectory=leger/mounts/%N\n" in rendered
    assert "RuntimeDirectoryMode=" not in rendered


def test_a_health_check_without_a_start_period_is_probed_at_once_and_then_at_its_interval() -> None:
    rendered = render(facts(health=HealthCheck(interval=30.0)), Scope.SYSTEM)
    assert rendered == (
        f"{HEADING}[Container]\nGlobalArgs=--transient-store=true\n\n"
        "[Service]\n"
        "Environment=DISABLE_HC_SYSTEMD=true\n"
        "ExecStartPre=/usr/bin/systemd-run --quiet --collect --unit=leger-health-%N"
        f" --service-type=oneshot --on-active=500ms --on-unit-inactive=30s {PROBE} systemd-%N\n"
        "ExecStopPost=-/usr/bin/systemctl stop leger-health-%N.*\n"
    )


def test_within_the_start_period_probes_come_early_and_ever_less_often() -> None:
    rendered = render(facts(health=HealthCheck(interval=1.5, start_period=20.0)), Scope.SYSTEM)
    assert (
        "--on-active=500ms --on-active=1s --on-active=2s --on-active=3s --on-active=5s"
        " --on-active=8s --on-active=13s --on-unit-inactive=1500ms"
    ) in rendered


def test_in_the_user_scope_the_users_manager_probes() -> None:
    rendered = render(facts(health=HealthCheck()), Scope.USER)
    assert "ExecStartPre=/usr/bin/systemd-run --user --quiet" in rendered
    assert "ExecStopPost=-/usr/bin/systemctl --user stop leger-health-%N.*\n" in rendered


def test_the_probe_of_an_instance_is_told_where_its_credentials_are() -> None:
    told = "--setenv=CREDENTIALS_DIRECTORY=%d /usr/bin/podman"
    rendered = {
        unit: render(facts("key,type=env", unit=unit, health=HealthCheck()), Scope.SYSTEM)
        for unit in ("web.service", "web@.service")
    }
    assert told in rendered["web@.service"]
    assert told not in rendered["web.service"]
    assert told not in render(facts(unit="web@.service", health=HealthCheck()), Scope.SYSTEM)


def test_a_health_check_that_nothing_is_to_run_gets_no_timer() -> None:
    assert "systemd-run" not in render(facts(health=HealthCheck(interval=0.0)), Scope.SYSTEM)


def test_targets_with_blanks_and_specifiers_stay_what_they_are() -> None:
    rendered = render(facts("a,target=/my files/%i"), Scope.SYSTEM)
    # Quadlet takes what Volume= says to the letter, quotation marks too.
    assert "Volume=%t/leger/mounts/%N/a:/my files/%i:ro,Z\n" in rendered


def test_podman_knows_the_secret_of_a_template_by_a_name_that_it_allows() -> None:
    assert podman_secret_name("job@.service", "a/b") == "leger-job_-a_b-c14cddc0"


def test_a_volume_gets_its_owner_back_when_podman_has_made_it_known_again() -> None:
    rendered = render(
        UnitFacts(unit="data-volume.service", kind=UnitKind.VOLUME, volumes=("data",)),
        Scope.SYSTEM,
    )
    pre, post = (line for line in rendered.splitlines() if line.startswith("ExecStart"))
    assert pre.startswith("ExecStartPre=/bin/sh -c \"rm -rf '%t/leger/owners/data'; ! test -d")
    assert post.endswith("chown --reference='%t/leger/owners/data' '/store/data/_data'\"")


def test_a_volume_that_no_file_describes_is_made_known_between_the_two() -> None:
    rendered = render(facts(volumes=("data",)), Scope.USER)
    commands = [line for line in rendered.splitlines() if line.startswith("ExecStartPre")]
    before, known, after = commands
    assert known == (
        "ExecStartPre=/usr/bin/podman --transient-store=true volume create --ignore data"
    )
    unshared = "ExecStartPre=/usr/bin/podman --transient-store=true unshare /bin/sh -c "
    assert before.startswith(unshared)
    assert after.startswith(unshared)


def test_two_units_never_share_a_secret_of_podman() -> None:
    one = podman_secret_name("web.service", "db-key")
    other = podman_secret_name("web-db.service", "key")
    assert one == "leger-web-db-key"
    assert other.startswith("leger-web-db-key-")
