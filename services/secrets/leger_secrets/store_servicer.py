"""The contract's methods about the store itself: unpack, call, pack."""

import grpc
from leger.secrets.v1 import store_pb2 as pb
from leger.secrets.v1 import store_pb2_grpc

from leger_secrets import convert
from leger_secrets.domain.sealing import StoreCare, StoreStatus, Unlock
from leger_secrets.domain.value import SecretValue

_UNLOCKS = {
    None: pb.UNLOCK_UNSPECIFIED,
    Unlock.ROOT_KEY: pb.UNLOCK_ROOT_KEY,
    Unlock.PASSPHRASE: pb.UNLOCK_PASSPHRASE,
}


class StoreServicer(store_pb2_grpc.StoreServiceServicer):
    """leger.secrets.v1.StoreService."""

    def __init__(self, *, care: StoreCare) -> None:
        self._care = care

    def GetStoreStatus(
        self, request: pb.GetStoreStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetStoreStatusResponse:
        """Answer the state of the store."""
        return _status(self._care.status())

    def UnsealStore(
        self, request: pb.UnsealStoreRequest, context: grpc.ServicerContext
    ) -> pb.UnsealStoreResponse:
        """Open the store."""
        set_aside = self._care.unseal(
            SecretValue(request.passphrase),
            begin_audit_log=request.begin_audit_log,
            accept_rollback=request.accept_rollback,
            by=convert.caller(context),
        )
        return pb.UnsealStoreResponse(set_aside=set_aside)

    def SealStore(
        self, request: pb.SealStoreRequest, context: grpc.ServicerContext
    ) -> pb.SealStoreResponse:
        """Close the store."""
        self._care.seal(by=convert.caller(context))
        return pb.SealStoreResponse()

    def RekeyStore(
        self, request: pb.RekeyStoreRequest, context: grpc.ServicerContext
    ) -> pb.RekeyStoreResponse:
        """Encrypt the store with a new key."""
        unlock = {"passphrase": Unlock.PASSPHRASE, "root_key": Unlock.ROOT_KEY}.get(
            request.WhichOneof("unlock") or ""
        )
        pages = self._care.rekey(
            unlock=unlock,
            passphrase=SecretValue(request.passphrase),
            by=convert.caller(context),
        )
        return pb.RekeyStoreResponse(pages=pages)


def _status(status: StoreStatus) -> pb.GetStoreStatusResponse:
    packed = pb.GetStoreStatusResponse(
        unlock=_UNLOCKS[status.unlock],
        last_backup_time=convert.optional_timestamp(status.last_backup),
        weaknesses=status.weaknesses,
    )
    if broken := status.audit_problem:
        packed.audit_problem, packed.audit_next_step = str(broken), broken.next_step
    if cause := status.cause:
        packed.sealed = True
        packed.seal_reason, packed.seal_what = cause.reason, cause.what
        packed.seal_why, packed.seal_next_step = cause.why, cause.next_step
    if facts := status.facts:
        packed.revision, packed.secrets = facts.revision, facts.secrets
        packed.key_time.FromDatetime(facts.key_time)
        packed.schema_version, packed.size = facts.schema_version, facts.size
    return packed
