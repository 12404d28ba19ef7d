from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from leger_secrets.domain.audit_errors import InvalidFilter
from leger_secrets.domain.audit_reading import (
    AuditFilter,
    AuditReading,
    RecordedEntry,
    Verification,
)
from leger_secrets.domain.watch_slots import TooManyWatches, WatchEnded, WatchSlots
from unit.secrets.fakes import ME

ENTRY = RecordedEntry(
    1, datetime(2026, 1, 1, tzinfo=UTC), ME, "get", "a", 1, "allowed", "", "", "", ""
)
ALL = AuditFilter()


class Reader:
    """A log of one entry, behind which there is never another."""

    def __init__(self) -> None:
        self.closed = False

    def read(
        self, wanted: AuditFilter, *, limit: int, follow: bool
    ) -> Iterator[Sequence[RecordedEntry]]:
        try:
            yield [ENTRY]
            while follow:
                yield []
        finally:
            self.closed = True

    def verify(self) -> Verification:
        raise NotImplementedError


class Client:
    def __init__(self) -> None:
        self.is_there = True

    def is_active(self) -> bool:
        return self.is_there

    def cancel(self) -> None:
        self.is_there = False


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def slots() -> WatchSlots:
    return WatchSlots(limit=1)


@pytest.fixture
def reading(reader: Reader, slots: WatchSlots) -> AuditReading:
    return AuditReading(reader=reader, slots=slots)


def test_what_is_there_is_read_to_its_end(reading: AuditReading) -> None:
    assert list(reading.read(ALL, limit=0, follow=False, client=Client())) == [[ENTRY]]


def test_a_client_that_goes_ends_the_reading_and_frees_its_slot(
    reading: AuditReading, reader: Reader, slots: WatchSlots
) -> None:
    client = Client()
    following = reading.read(ALL, limit=0, follow=True, client=client)
    assert next(following) == [ENTRY]
    client.is_there = False
    assert list(following) == []
    assert reader.closed
    with slots.taken():
        pass


def test_more_followers_than_slots_are_refused(reading: AuditReading) -> None:
    first = reading.read(ALL, limit=0, follow=True, client=Client())
    assert next(first) == [ENTRY]
    with pytest.raises(TooManyWatches):
        next(reading.read(ALL, limit=0, follow=True, client=Client()))
    assert list(reading.read(ALL, limit=0, follow=False, client=Client())) == [[ENTRY]]


def test_a_service_that_stops_ends_its_followers(reading: AuditReading, slots: WatchSlots) -> None:
    following = reading.read(ALL, limit=0, follow=True, client=Client())
    assert next(following) == [ENTRY]
    slots.end()
    with pytest.raises(WatchEnded):
        next(following)


@pytest.mark.parametrize(
    ("wanted", "field", "why"),
    [
        (AuditFilter(action="gett"), "action", "The actions are get, info, list, put"),
        (AuditFilter(action="rotate*"), "action", "The actions are"),
        (AuditFilter(secret="x" * 256), "secret", "256 characters"),
        (AuditFilter(principal="x" * 256), "principal", "256 characters"),
        (AuditFilter(outcome="x" * 256), "outcome", "256 characters"),
    ],
)
def test_a_filter_that_nothing_can_match_is_refused(
    reading: AuditReading, wanted: AuditFilter, field: str, why: str
) -> None:
    with pytest.raises(InvalidFilter) as caught:
        next(reading.read(wanted, limit=0, follow=False, client=Client()))
    assert caught.value.violations[0].field == field
    assert why in caught.value.why


@pytest.mark.parametrize(
    "wanted",
    [
        ALL,
        AuditFilter(action="*"),
        AuditFilter(action="delete*"),
        AuditFilter(secret="*" * 255),
        AuditFilter(outcome="NOT_*"),
    ],
)
def test_a_filter_that_something_can_match_is_taken(wanted: AuditFilter) -> None:
    wanted.check()


def test_a_hostile_pattern_takes_no_longer_than_another() -> None:
    wanted = AuditFilter(secret="*a" * 100 + "*b")
    assert not wanted.admits(secret="a" * 255, principal="", action="", outcome="")
