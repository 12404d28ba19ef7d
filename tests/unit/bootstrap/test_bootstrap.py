import pytest
from leger_bootstrap.health import Health
from leger_bootstrap.pod import PodNotStarted
from leger_bootstrap.scope import Scope
from unit.bootstrap.conftest import FIRST, Host


def test_a_fresh_host_gets_image_key_units_and_a_started_pod(scope: Scope, host: Host) -> None:
    host.bootstrap()
    assert host.images == {FIRST}
    assert (scope.quadlets / "legerd/leger.pod").is_file()
    assert host.verbs() == ["--version", "daemon-reload", "restart"]
    assert host.running == FIRST


def test_a_second_run_reloads_and_restarts_nothing(host: Host) -> None:
    host.bootstrap()
    host.bootstrap()
    assert host.verbs() == ["--version", "start"]
    assert not any("load" in line.split() for line in host.ran)


def test_a_pod_that_does_not_start_is_reported_with_its_last_words_and_the_journals_to_read(
    host: Host,
) -> None:
    host.broken = {FIRST}
    with pytest.raises(PodNotStarted) as caught:
        host.bootstrap()
    assert caught.value.why == (
        "Job for leger-pod.service failed. Its journal ends: exec format error."
    )
    assert "journalctl -b -u leger-pod.service" in caught.value.next_step


def test_what_the_services_keep_is_readable_by_their_owner_alone(scope: Scope, host: Host) -> None:
    host.bootstrap()
    assert scope.secrets_data.stat().st_mode & 0o777 == 0o700
    assert scope.data.stat().st_mode & 0o777 == 0o700


def test_a_sealed_store_is_said_and_is_no_failure(host: Host) -> None:
    host.health[FIRST] = Health(
        seal_reason="PASSPHRASE_NEEDED", seal="A passphrase is needed.", seal_next_step="Type it."
    )
    assert host.bootstrap()[-1].endswith("A passphrase is needed. Type it.")
    host.health.clear()
    assert host.bootstrap()[-1] == "the services are ready"


def test_the_directory_of_the_policy_is_there_to_be_mounted(scope: Scope, host: Host) -> None:
    host.bootstrap()
    assert scope.config.is_dir()
