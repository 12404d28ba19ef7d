"""The rollout that is under way, in `<data>/rollout.json`."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from leger_runtime import atomic

from leger_deployer.adapters.disk import translated
from leger_deployer.domain.errors import StorageUnavailable
from leger_deployer.domain.rollout_intent import RolloutIntent

_FORMAT = 1


class RolloutFile:
    """RolloutJournal in a file of the data directory, which must be there."""

    def __init__(self, *, data: Path) -> None:
        self._path = data / "rollout.json"

    def read(self) -> RolloutIntent | None:
        """Return what was begun and not ended."""
        try:
            with translated(self._path):
                content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _decoded(content)
        except (ValueError, KeyError, TypeError) as error:
            raise StorageUnavailable(
                "What is known of an interrupted rollout cannot be read.",
                why=f"{self._path} is not a record that this version of leger writes:"
                f" {type(error).__name__} {error}.",
                next_step="Move the file away, then look at the secret that it names: `leger"
                " secrets info NAME`.",
            ) from None

    def write(self, intent: RolloutIntent) -> None:
        """Note durably what is about to be done."""
        record = {"format": _FORMAT, **asdict(intent), "begun": intent.begun.isoformat()}
        with translated(self._path):
            atomic.write(self._path, (json.dumps(record, indent=2) + "\n").encode(), mode=0o600)

    def clear(self) -> None:
        """Note durably that it is done, or undone."""
        with translated(self._path):
            self._path.unlink(missing_ok=True)
            atomic.sync_directory(self._path.parent)


def _decoded(content: bytes) -> RolloutIntent:
    record = json.loads(content)
    if record.pop("format") != _FORMAT:
        raise ValueError("a record of another format")
    return RolloutIntent(
        **{
            **record,
            "begun": datetime.fromisoformat(record["begun"]),
            "touched": tuple(record["touched"]),
        }
    )
