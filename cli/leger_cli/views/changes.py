"""Changes to secrets, one line each."""

from typing import TYPE_CHECKING

from leger_cli import convert, output
from leger_cli.output import Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.secrets.v1.secrets_pb2 import WatchSecretsResponse

_SAID = {
    "version_added": "version {} was added",
    "activated": "version {} is active",
    "version_deleted": "version {} was deleted",
    "deleted": "was deleted",
    "updated": "has other notes",
}


def change(event: "WatchSecretsResponse") -> None:
    """Write when it was, what happened to which secret, and who did it."""
    said = _SAID.get(convert.watch_change(event.change), "changed").format(event.version)
    head = output.paint(words.moment(event.time), Tone.FAINT)
    tail = output.paint(f"by {event.principal}, revision {event.revision}", Tone.FAINT)
    output.line(f"{head} {event.name}: {said} {tail}")
