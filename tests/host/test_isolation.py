"""A unit gets the secrets that its own Quadlet names, and no other by any way."""

import secrets
from collections.abc import Iterator

import pytest
from conftest import PYTHON, Host
from stacks import sleeper

ENVIRONMENT = "podman --transient-store exec {name} printenv"


@pytest.fixture(scope="module")
def values(host: Host) -> Iterator[dict[str, str]]:
    """Two stacks, each with a secret of its own; the values by name."""
    values = {name: secrets.token_urlsafe(18) for name in ("first_key", "second_key")}
    for name, value in values.items():
        host.put(name, value)
    for stack, secret in (("first", "first_key"), ("second", "second_key")):
        directory = host.push_stack(
            stack,
            {
                f"{stack}.container": sleeper(
                    f"ContainerName={stack}",
                    f"Secret={secret},type=env,target=KEY",
                    f"Secret={secret},target=key-file",
                )
            },
        )
        host.do(f"leger deploy install {directory} --yes")
    yield values
    for stack in ("first", "second"):
        host.do(f"leger deploy remove {stack} --yes")
    for name in values:
        host.do(f"leger secrets delete {name} --yes")


def test_each_container_has_its_own_secret_in_both_forms(
    host: Host, values: dict[str, str]
) -> None:
    for stack, secret in (("first", "first_key"), ("second", "second_key")):
        inside = f"podman --transient-store exec {stack}"
        assert host.do(f"{inside} printenv KEY").strip() == values[secret]
        assert host.do(f"{inside} cat /run/secrets/key-file") == values[secret]


def test_a_mounted_secret_is_readable_by_an_ordinary_user_of_the_container(
    host: Host, values: dict[str, str]
) -> None:
    inside = "podman --transient-store exec --user 4321:4321 first"
    assert host.do(f"{inside} cat /run/secrets/key-file") == values["first_key"]


def test_a_unit_cannot_obtain_what_only_another_stacks_unit_names(
    host: Host, values: dict[str, str]
) -> None:
    # Whoever edits the drop-in on the host gets no further: the service keeps its own list.
    host.do(
        "mkdir -p /run/systemd/system/first.service.d && printf '[Service]\\n"
        "LoadCredential=second_key:/run/leger/secrets/credentials.sock\\n'"
        " > /run/systemd/system/first.service.d/steal.conf && systemctl daemon-reload"
    )
    try:
        assert host.run("systemctl restart first.service").code != 0
        journal = host.do("journalctl -u first.service -n 30 --no-pager")
        assert "second_key" in journal
        assert values["second_key"] not in journal
        assert "second_key" in host.status()["first"]["why"]
    finally:
        host.do("rm -r /run/systemd/system/first.service.d && systemctl daemon-reload")
        host.do("systemctl reset-failed first.service && systemctl restart first.service")


def test_a_unit_of_no_stack_obtains_nothing(host: Host, values: dict[str, str]) -> None:
    answer = host.run(
        "systemd-run --quiet --wait --pipe --unit=thief"
        " -p LoadCredential=first_key:/run/leger/secrets/credentials.sock"
        " sh -c 'cat $CREDENTIALS_DIRECTORY/first_key'"
    )
    assert answer.code != 0
    assert values["first_key"] not in answer.out + answer.err
    assert "first_key" in host.do("journalctl -u thief.service --no-pager")


def test_the_deployer_may_see_names_and_no_value(host: Host, values: dict[str, str]) -> None:
    program = """
import sys
sys.path.insert(0, "/usr/lib/leger/site")
import grpc
from leger.secrets.v1 import secrets_pb2 as messages, secrets_pb2_grpc as service
channel = grpc.insecure_channel("unix:/run/leger/secrets/deployer/grpc.sock")
stub = service.SecretsServiceStub(channel)
print(*[secret.name for secret in stub.ListSecrets(messages.ListSecretsRequest()).secrets])
try:
    stub.GetSecret(messages.GetSecretRequest(name="first_key"))
except grpc.RpcError as error:
    print(error.code().name)
"""
    names, refusal = host.do(f"{PYTHON} -", stdin=program).splitlines()
    assert "first_key" in names.split()
    assert refusal == "PERMISSION_DENIED"


def test_a_container_reaches_no_socket_of_leger(host: Host, values: dict[str, str]) -> None:
    inside = "podman --transient-store exec first"
    assert host.run(f"{inside} ls /run/leger").code != 0
