"""Asking the secrets service, which runs by now, whether its store is open."""

from leger_bootstrap.scope import Scope

_PATIENCE = 10.0  # seconds


def why_sealed(scope: Scope) -> str:
    """Return why the store is sealed and what to do, in whole sentences; "" when it is open.

    Also "" when the service does not answer: that it is ready, systemd has said.
    """
    # Here, as only `bootstrap` needs it: importing gRPC is most of any other command's time.
    import grpc
    from leger.secrets.v1 import store_pb2, store_pb2_grpc
    from leger_runtime import client

    channel = client.channel(scope.runtime / "leger/secrets/operator/grpc.sock")
    try:
        store = store_pb2_grpc.StoreServiceStub(channel)
        found = store.GetStoreStatus(store_pb2.GetStoreStatusRequest(), timeout=_PATIENCE)
    except grpc.RpcError:
        return ""
    finally:
        channel.close()
    if not found.sealed:
        return ""
    return f"{found.seal_what} {found.seal_why} {found.seal_next_step}"
