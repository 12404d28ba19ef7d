"""`leger version` against services of this build, of another, and of none."""

import json

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer
from contract.cli.store import Store
from leger_runtime import version

OWN = version.__version__
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A deployer of another version, of a known commit."""
    monkeypatch.setattr(version, "__version__", "9.9.9")
    monkeypatch.setattr(version, "commit", lambda: COMMIT)
    request.getfixturevalue("deployer")


def test_client_and_services_tell_what_they_are(
    leger: Leger, secrets: Store, deployer: Deployer
) -> None:
    done = leger.run("version", "--json")
    answer = json.loads(done.out)
    own = {
        "version": version.__version__,
        "commit": None,
        "store_schema": version.STORE_SCHEMA,
    }
    assert answer == {
        "version": version.__version__,
        "client": {
            **own,
            "packages": ["leger.deployer.v1", "leger.secrets.v1", "leger.version.v1"],
        },
        "secrets": {**own, "packages": ["leger.secrets.v1", "leger.version.v1"]},
        "deployer": {**own, "packages": ["leger.deployer.v1", "leger.version.v1"]},
        "mismatches": [],
    }
    assert (done.code, done.err) == (0, "")


def test_a_sealed_store_hides_no_version(leger: Leger, secrets: Store) -> None:
    leger.run("secrets", "seal")
    assert f"secrets {version.__version__}\n" in leger.run("version").out


def test_services_that_are_silent_are_said_to_be(leger: Leger) -> None:
    done = leger.run("version")
    assert done.code == 0
    assert done.out.startswith(f"leger {version.__version__}\n")
    assert "\nsecrets: " in done.out
    answer = json.loads(leger.run("version", "--json").out)
    assert (answer["secrets"], answer["deployer"]) == (None, None)


@pytest.mark.usefixtures("newer")
def test_a_service_of_another_version_is_warned_of(leger: Leger) -> None:
    done = leger.run("version")
    assert done.code == 0
    assert f"deployer 9.9.9\n  commit  {COMMIT}\n" in done.out
    warned = f"The deployer service is 9.9.9, and this leger is {OWN}."
    assert f"warning: {warned}\n→ leger doctor\n" in done.err
    assert json.loads(leger.run("version", "--json").out)["mismatches"] == [warned]
