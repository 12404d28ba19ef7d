"""Points in time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp


def optional_time(message: object, field: str) -> str | None:
    """Return a field of a message in RFC 3339, None when it is not set."""
    if not message.HasField(field):  # type: ignore[attr-defined]
        return None
    time: Timestamp = getattr(message, field)
    return time.ToJsonString()
