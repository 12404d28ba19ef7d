"""The pod on a real host: up, hardened, reachable by reflection, safe to bootstrap again."""

import json

import pytest
from conftest import PYTHON, Host
from stacks import sleeper

SOCKETS = {
    "secrets": "/run/leger/secrets/operator/grpc.sock",
    "deployer": "/run/leger/deployer/operator/grpc.sock",
}
REFLECTION = """
import sys
sys.path.insert(0, "/usr/lib/leger/site")
import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase as Reflection,
)
channel = grpc.insecure_channel("unix:" + sys.argv[1])
database = Reflection(channel)
pool = DescriptorPool(database)
for name in sorted(database.get_services()):
    methods = pool.FindServiceByName(name).methods if name.startswith("leger.") else ()
    print(name, *[method.name for method in methods])
health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
print(health_pb2.HealthCheckResponse.ServingStatus.Name(health.status))
"""


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("secrets", "leger.secrets.v1.SecretsService PutSecret GetSecret"),
        ("deployer", "leger.deployer.v1.DeployerService StageStack PlanStack ApplyPlan"),
    ],
)
def test_a_reflection_client_lists_the_services_and_health_says_serving(
    host: Host, service: str, expected: str
) -> None:
    lines = host.do(f"{PYTHON} - {SOCKETS[service]}", stdin=REFLECTION).splitlines()
    assert any(line.startswith(expected) for line in lines), lines
    assert lines[-1] == "SERVING"


@pytest.mark.parametrize("path", SOCKETS.values())
def test_an_ordinary_user_cannot_enter_roots_sockets(host: Host, path: str) -> None:
    answer = host.run(f"test -S {path}", user="alice")
    assert answer.code != 0
    assert host.run("leger --system secrets list", user="alice").code == 4


def test_bootstrapping_again_changes_and_restarts_nothing(host: Host) -> None:
    show = "systemctl show -p MainPID -p InvocationID leger-secrets leger-deployer leger-pod"
    before = host.do(show)
    host.do("legerd bootstrap")
    assert host.do(show) == before


@pytest.mark.parametrize("container", ["leger-secrets", "leger-deployer"])
def test_the_containers_are_confined(host: Host, container: str) -> None:
    found = json.loads(host.do(f"podman --transient-store inspect {container}"))[0]
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    assert found["EffectiveCaps"] in (None, [])
    assert "no-new-privileges" in " ".join(found["HostConfig"]["SecurityOpt"])
    assert {"Name": "RLIMIT_CORE", "Soft": 0, "Hard": 0} in found["HostConfig"]["Ulimits"]
    main = host.do(f"systemctl show --value -p MainPID {container}.service").strip()
    assert int(main) > 0


def test_the_pod_has_no_network(host: Host) -> None:
    pid = host.do(
        "podman --transient-store inspect --format '{{.State.Pid}}' leger-secrets"
    ).strip()
    links = host.do(f"nsenter -t {pid} -n ip -o link").splitlines()
    assert [line.split()[1] for line in links] == ["lo:"]


def test_the_key_is_sealed_and_the_store_is_ciphertext(host: Host) -> None:
    host.put("cipher", "a-value-to-look-for")
    assert host.run("test -e /etc/credstore/leger.root-key").code != 0
    assert host.run("test -s /etc/credstore.encrypted/leger.root-key").code == 0
    # A plain SQLite file begins with these words (sqlite.org/fileformat.html).
    assert host.run("grep -a -q 'SQLite format 3' /var/lib/legerd/secrets.db").code == 1
    host.assert_nowhere_on_disk("a-value-to-look-for")
    host.do("leger secrets delete cipher --yes")


def test_restarting_the_pod_leaves_stacks_running(host: Host) -> None:
    directory = host.push_stack("steady", {"steady.container": sleeper()})
    host.do(f"leger deploy install {directory} --yes")
    try:
        before = host.do("systemctl show -p MainPID steady.service")
        host.do("systemctl restart leger-pod.service leger-secrets.service leger-deployer.service")
        host.wait("leger status")
        assert host.do("systemctl show -p MainPID steady.service") == before
    finally:
        host.do("leger deploy remove steady --yes")


def test_restarting_legerd_again_and_again_does_not_make_systemd_give_up(host: Host) -> None:
    for _ in range(4):
        host.do("systemctl restart legerd.service")
    host.wait("leger status")
