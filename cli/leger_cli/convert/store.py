"""The store itself."""

from typing import TYPE_CHECKING

from leger_cli.convert.moments import optional_time
from leger_cli.shapes import store as shapes

if TYPE_CHECKING:
    from leger.secrets.v1 import store_pb2 as store


def store_status(answer: "store.GetStoreStatusResponse") -> shapes.StoreStatus:
    """Return how the store is."""
    is_open = not answer.sealed
    return {
        "sealed": answer.sealed,
        "cause": None
        if is_open
        else {
            "reason": answer.seal_reason,
            "what": answer.seal_what,
            "why": answer.seal_why,
            "next": answer.seal_next_step,
        },
        "unlock": unlock(answer.unlock),
        "revision": answer.revision if is_open else None,
        "secrets": answer.secrets if is_open else None,
        "key_time": optional_time(answer, "key_time"),
        "schema_version": answer.schema_version if is_open else None,
        "size": answer.size if is_open else None,
        "last_backup_time": optional_time(answer, "last_backup_time"),
        "audit_problem": answer.audit_problem or None,
        "weaknesses": list(answer.weaknesses),
    }


def unlock(opens: "store.Unlock.ValueType") -> str | None:
    """Return what opens the store; None when that is not known."""
    from leger.secrets.v1 import store_pb2

    names = {store_pb2.UNLOCK_ROOT_KEY: "root-key", store_pb2.UNLOCK_PASSPHRASE: "passphrase"}
    return names.get(opens)
