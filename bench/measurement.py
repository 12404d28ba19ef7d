"""One row of the table: ours beside a peer's."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Measurement:
    """A median of ours beside a median of the peer; `ratio` is ours over the peer's.

    `limit` is the most that the ratio may be; None where it is told for its own sake.
    """

    name: str
    ours: float
    peer: float
    unit: str
    limit: float | None

    @property
    def ratio(self) -> float:
        """How many times the peer's value ours is."""
        return self.ours / self.peer

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints of it."""
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds}

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its limit."""
        return self.limit is None or self.ratio <= self.limit
