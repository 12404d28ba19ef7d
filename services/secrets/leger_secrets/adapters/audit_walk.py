"""Following a chain of lines, and telling where and how it breaks."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from leger_secrets.adapters import audit_chain
from leger_secrets.adapters.audit_chain import GENESIS, BrokenChain, Head, Link


class Place(NamedTuple):
    """A line's file, without its directory, and its number in that file, from 1."""

    file: str
    line: int


class Break(Exception):
    """The first place where a chain is not whole; the text is a sentence for people."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem


class Walk:
    """A walk along a chain from `start`.

    GENESIS is the start of a whole log; None starts with whatever line comes first. `known` is a
    line that the log must have, as something besides the log says.
    """

    def __init__(self, *, start: Link | None, known: Link | None = None) -> None:
        self.link = start or GENESIS
        self.lines = 0
        self.first: Head | None = None
        self.last: Head | None = None
        self._blind = start is None
        self._known = known
        self._met = known is None
        self._began: Place | None = None
        self._place: Place | None = None

    def follow(self, lines: Iterable[tuple[Place, bytes]]) -> None:
        """Go on along these lines. Raises Break."""
        lines = iter(lines)
        for place, line in lines:
            head = self._step(place, line, lines)
            self.link = Link(head.seq, audit_chain.digest(line))
            if self._known and head.seq == self._known.seq:
                if self.link != self._known:
                    raise Break(place, f"Line {head.seq} was changed after it was written.")
                self._met = True
            self.lines += 1
            self.first, self._began = self.first or head, self._began or place
            self.last, self._place, self._blind = head, place, False

    def finish(self, file: str) -> None:
        """Check that the walk, which ended in `file`, met all that it should. Raises Break."""
        if self._met or self._known is None:
            return
        if self.link.seq < self._known.seq:
            at = self._place.line if self._place and self._place.file == file else 0
            missing = lines_are(self.link.seq + 1, self._known.seq)
            raise Break(Place(file, at + 1), f"{missing} missing at the end.")
        # The chain is whole, but it is not the one that was written.
        raise Break(
            self._began or Place(file, 1), f"Line {self._known.seq} is missing before this one."
        )

    def _step(self, place: Place, line: bytes, later: Iterator[tuple[Place, bytes]]) -> Head:
        try:
            head = audit_chain.head(line)
            follows = (head.seq, head.previous) == (self.link.seq + 1, self.link.digest)
            if follows or self._blind or (self.link == GENESIS and audit_chain.begins_log(line)):
                return head
        except BrokenChain as error:
            raise Break(place, str(error)) from None
        raise self._judge(place, head, self._confirmed(head, line, later))

    def _confirmed(
        self, head: Head, line: bytes, later: Iterator[tuple[Place, bytes]]
    ) -> bool | None:
        """Tell whether the line is as it was written, None meaning that nothing can tell."""
        link = Link(head.seq, audit_chain.digest(line))
        if self._known and self._known.seq == head.seq:
            return self._known == link
        try:
            _, after = next(later)
            return audit_chain.head(after).previous == link.digest
        except StopIteration:
            return None
        except BrokenChain:
            return False

    def _judge(self, place: Place, head: Head, confirmed: bool | None) -> Break:
        """Say what happened to the chain in front of a line that breaks it, or to the line."""
        expected = self.link.seq + 1
        if head.seq > expected and confirmed is not False:
            return Break(place, f"{lines_are(expected, head.seq - 1)} missing before this one.")
        if head.seq != expected:
            return Break(place, f"Line {head.seq} stands where line {expected} belongs.")
        if confirmed and self._place:
            return Break(self._place, f"Line {self.link.seq} was changed after it was written.")
        if confirmed is None and self._place:
            return Break(
                place, f"Line {self.link.seq} or line {head.seq} was changed after it was written."
            )
        return Break(place, f"Line {head.seq} was changed after it was written.")


def lines_are(first: int, last: int) -> str:
    """Return the beginning of a sentence about these lines."""
    return f"Line {first} is" if first == last else f"Lines {first} to {last} are"
