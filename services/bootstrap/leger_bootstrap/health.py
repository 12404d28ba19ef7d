"""Asking the services of a pod that has started whether they are well."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from leger_bootstrap.scope import Scope

_PATIENCE = 10.0  # seconds
# What only a person can end, and what was so before the upgrade, is nothing that an upgrade broke.
_NEEDS_A_PERSON = "PASSPHRASE_NEEDED"
_STORE_TOO_NEW = "STORE_TOO_NEW"


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the services answer. `silent` are those that do not, each with a sentence that says so.

    While the store is sealed, `seal_reason` is the stable reason, and `seal` whole sentences.
    """

    silent: Mapping[str, str] = field(default_factory=dict)
    seal_reason: str = ""
    seal: str = ""
    seal_next_step: str = ""

    def is_open(self, *, last_known: bool) -> bool:
        """Tell whether the store is open; of a service that is silent, what was known of it."""
        return last_known if "secrets" in self.silent else not self.seal_reason


def broken_by(after: Health, *, was_open: bool) -> str:
    """Return what is wrong since an upgrade, in sentences; "" when nothing is.

    A store that was sealed before may be so after; one that an older leger cannot read may not.
    """
    if after.silent:
        return " ".join(after.silent.values())
    newly_sealed = was_open and after.seal_reason not in ("", _NEEDS_A_PERSON)
    return after.seal if newly_sealed or after.seal_reason == _STORE_TOO_NEW else ""


def read(scope: Scope) -> Health:
    """Ask every service of the scope."""
    # Here, as only `bootstrap` needs it: importing gRPC is most of any other command's time.
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from leger.deployer.v1 import deployer_pb2
    from leger.secrets.v1 import store_pb2, store_pb2_grpc
    from leger_runtime import client

    checked = {
        "secrets": store_pb2.DESCRIPTOR.services_by_name["StoreService"].full_name,
        "deployer": deployer_pb2.DESCRIPTOR.services_by_name["DeployerService"].full_name,
    }
    silent: dict[str, str] = {}
    found = store_pb2.GetStoreStatusResponse()
    for service, name in checked.items():
        channel = client.channel(scope.runtime / f"leger/{service}/operator/grpc.sock")
        try:
            request = health_pb2.HealthCheckRequest(service=name)
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_PATIENCE)
            if answer.status != health_pb2.HealthCheckResponse.SERVING:
                silent[service] = f"The {service} service says that it does not serve."
            elif service == "secrets":
                store = store_pb2_grpc.StoreServiceStub(channel)
                found = store.GetStoreStatus(store_pb2.GetStoreStatusRequest(), timeout=_PATIENCE)
        except grpc.RpcError as error:
            silent[service] = f"The {service} service does not answer: {error.code().name}."
        finally:
            channel.close()
    return Health(
        silent=silent,
        seal_reason=found.seal_reason,
        seal=f"{found.seal_what} {found.seal_why}".strip(),
        seal_next_step=found.seal_next_step,
    )
