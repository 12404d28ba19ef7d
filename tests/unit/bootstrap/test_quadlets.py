from pathlib import Path

from leger_bootstrap import quadlets, scope
from leger_bootstrap.configuration import Configuration
from leger_bootstrap.root_key import RootKey

SHIPPED = quadlets.read_shipped(Path(__file__).parents[3] / "quadlets")
KEY = RootKey(Path("/etc/credstore.encrypted/leger.root-key"), sealed=True)
ALICE = scope.user(environment={}, home=Path("/home/alice"), uid=1000, account="alice")


def placed(
    where: scope.Scope,
    key: RootKey | None = KEY,
    configuration: Configuration = Configuration(),  # noqa: B008
) -> dict[str, str]:
    return quadlets.for_host(
        SHIPPED,
        scope=where,
        image="localhost/leger/services:1",
        key=key,
        configuration=configuration,
    )


def test_the_shipped_files_are_placed_as_they_are() -> None:
    files = placed(scope.system())
    assert {name: files[name] for name in SHIPPED} == SHIPPED


def test_the_root_key_goes_to_the_secrets_service_alone() -> None:
    files = placed(scope.system())
    holders = [name for name, text in files.items() if "root-key" in text]
    assert holders == ["leger-secrets.container.d/10-host.conf"]


def test_the_deployer_sees_its_directories_under_the_hosts_own_paths() -> None:
    text = placed(ALICE)["leger-deployer.container.d/10-host.conf"]
    assert "Volume=/home/alice/.local/share/leger:/home/alice/.local/share/leger\n" in text
    assert "Volume=/run/user/1000/bus:/run/leger/bus\n" in text


def test_the_secrets_service_sees_its_state_and_the_policy_under_the_hosts_own_paths() -> None:
    text = placed(ALICE)["leger-secrets.container.d/10-host.conf"]
    state, policy = "/home/alice/.local/share/legerd", "/home/alice/.config/leger"
    for line in (
        f"Environment=LEGER_STATE_DIR={state}",
        f"Volume={state}:{state}",
        f"Environment=LEGER_POLICY_FILE={policy}/policy.toml",
        f"Volume={policy}:{policy}:ro",
    ):
        assert f"{line}\n" in text


def test_without_a_root_key_none_is_handed_over() -> None:
    files = placed(scope.system(), key=None)
    assert not any("root-key" in text for text in files.values())


def test_a_directory_for_backups_is_mounted_waited_for_and_made() -> None:
    configuration = Configuration(backup_directory=Path("/mnt/backups"))
    text = placed(ALICE, configuration=configuration)["leger-secrets.container.d/10-host.conf"]
    for line in (
        "WantsMountsFor=/mnt/backups",
        "Environment=LEGER_BACKUP_DIR=/mnt/backups",
        "Volume=/mnt/backups:/mnt/backups",
        "ExecStartPre=mkdir -p -m 0700 /mnt/backups",
    ):
        assert f"{line}\n" in text


def test_only_a_rootless_pod_keeps_the_users_id() -> None:
    assert "UserNS=keep-id" in placed(ALICE)["leger.pod.d/10-host.conf"]
    assert "UserNS" not in placed(scope.system())["leger.pod.d/10-host.conf"]


def test_placing_the_same_files_again_changes_nothing(tmp_path: Path) -> None:
    assert quadlets.place(placed(ALICE), tmp_path)
    assert not quadlets.place(placed(ALICE), tmp_path)


def test_a_file_of_an_older_version_is_removed(tmp_path: Path) -> None:
    quadlets.place(placed(ALICE), tmp_path)
    (tmp_path / "leger-old.container").touch()
    assert quadlets.place(placed(ALICE), tmp_path)
    assert not (tmp_path / "leger-old.container").exists()


def test_an_edited_file_is_put_right(tmp_path: Path) -> None:
    quadlets.place(placed(ALICE), tmp_path)
    (tmp_path / "leger.pod").write_text("[Pod]\n")
    assert quadlets.place(placed(ALICE), tmp_path)
    assert (tmp_path / "leger.pod").read_text() == SHIPPED["leger.pod"]
