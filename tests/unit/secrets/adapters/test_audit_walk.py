from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from leger_secrets.adapters import audit_chain
from leger_secrets.adapters.audit_chain import GENESIS, Link
from leger_secrets.adapters.audit_walk import Break, Place, Walk
from leger_secrets.domain.audit import Action, AuditEntry
from unit.secrets.fakes import ME

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Damage = Callable[[list[bytes]], list[bytes]]


def chain(count: int, start: Link = GENESIS, action: Action = Action.GET) -> list[bytes]:
    link, lines = start, []
    for number in range(count):
        entry = AuditEntry(ME, action if number == 0 else Action.GET, "a", 3)
        line, link = audit_chain.encode(link, entry, NOW)
        lines.append(line.removesuffix(b"\n"))
    return lines


def walk(lines: list[bytes], *, start: Link | None = GENESIS, known: Link | None = None) -> Walk:
    """Follow the lines as those of two files, of three lines and the rest."""
    walk = Walk(start=start, known=known)
    places = [
        *(Place("one", number) for number in (1, 2, 3)),
        *(Place("two", n) for n in range(1, 9)),
    ]
    walk.follow(zip(places, lines, strict=False))
    walk.finish("two")
    return walk


def end_of(lines: list[bytes]) -> Link:
    return Link(audit_chain.head(lines[-1]).seq, audit_chain.digest(lines[-1]))


def changed(line: bytes) -> bytes:
    return line.replace(b'"a"', b'"b"')


def renumbered(line: bytes) -> bytes:
    return line.replace(b'"seq":', b'"seq":1')


def relinked(line: bytes) -> bytes:
    return line[:-5] + b'fff"}'


def test_a_whole_chain_is_followed_through_all_files() -> None:
    lines = chain(6)
    walked = walk(lines, known=end_of(lines))
    assert (walked.lines, walked.link) == (6, end_of(lines))


def test_a_chain_whose_beginning_is_not_known_is_followed_too() -> None:
    assert walk(chain(6)[2:], start=None).link.seq == 6


def test_a_log_may_begin_with_a_line_that_says_it_is_begun_anew() -> None:
    lines = chain(6, start=Link(90, "ab" * 32), action=Action.BEGIN_LOG)
    assert walk(lines).link.seq == 96


def test_the_first_and_the_last_line_are_remembered() -> None:
    walked = walk(chain(6))
    assert walked.first is not None
    assert walked.last is not None
    assert (walked.first.seq, walked.last.seq) == (1, 6)


@pytest.mark.parametrize(
    ("damage", "place", "problem"),
    [
        (lambda s: [*s[:1], changed(s[1]), *s[2:]], ("one", 2), "Line 2 was changed"),
        (lambda s: [*s[:1], relinked(s[1]), *s[2:]], ("one", 2), "Line 2 was changed"),
        (lambda s: [*s[:1], renumbered(s[1]), *s[2:]], ("one", 2), "Line 12 stands where line 2"),
        (lambda s: [changed(s[0]), *s[1:]], ("one", 1), "Line 1 was changed"),
        (lambda s: [relinked(s[0]), *s[1:]], ("one", 1), "Line 1 was changed"),
        (lambda s: [*s[:2], changed(s[2]), *s[3:]], ("one", 3), "Line 3 was changed"),
        (lambda s: [*s[:3], changed(s[3]), *s[4:]], ("two", 1), "Line 4 was changed"),
        (lambda s: [*s[:4], changed(s[4]), s[5]], ("two", 2), "Line 5 was changed"),
        (lambda s: [*s[:5], changed(s[5])], ("two", 3), "Line 6 was changed"),
        (lambda s: [*s[:5], relinked(s[5])], ("two", 3), "Line 6 was changed"),
        (lambda s: s[1:], ("one", 1), "Line 1 is missing before this one."),
        (lambda s: s[3:], ("one", 1), "Lines 1 to 3 are missing before this one."),
        (lambda s: [*s[:1], *s[3:]], ("one", 2), "Lines 2 to 3 are missing before this one."),
        (lambda s: s[:5], ("two", 3), "Line 6 is missing at the end."),
        (lambda s: s[:2], ("two", 1), "Lines 3 to 6 are missing at the end."),
        (lambda _: [], ("two", 1), "Lines 1 to 6 are missing at the end."),
        (lambda s: [s[0], s[2], s[1], *s[3:]], ("one", 2), "Line 3 stands where line 2 belongs."),
        (lambda s: [*s[:2], s[1], *s[2:]], ("one", 3), "Line 2 stands where line 3 belongs."),
        (lambda s: [*s[:2], b"", *s[2:]], ("one", 3), "It is not a line of the log."),
        (lambda s: [*s, b"{}"], ("two", 4), "It is not a line of the log."),
        (lambda s: [*s[:1], s[1] + b"X" + s[2], *s[3:]], ("one", 2), "Line 2 was changed"),
    ],
)
def test_what_was_done_to_a_chain_is_named_with_its_place(
    damage: Damage, place: tuple[str, int], problem: str
) -> None:
    lines = chain(6)
    with pytest.raises(Break) as caught:
        walk(damage(lines), known=end_of(lines))
    assert caught.value.problem.startswith(problem)
    assert caught.value.place == place


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda s: [*s[:4], changed(s[4]), s[5]], "Line 5 or line 6 was changed"),
        (lambda s: [*s[:5], relinked(s[5])], "Line 5 or line 6 was changed"),
    ],
)
def test_without_a_known_end_it_is_not_said_which_of_the_last_two_was_changed(
    damage: Damage, problem: str
) -> None:
    with pytest.raises(Break, match=problem):
        walk(damage(chain(6)))


def test_a_chain_that_was_forged_from_its_beginning_on_lacks_the_known_line() -> None:
    forged = [line.replace(b'"a"', b'"b"') for line in chain(1)]
    link = Link(1, audit_chain.digest(forged[0]))
    with pytest.raises(Break, match="Line 6 was changed"):
        walk([*forged, *chain(5, start=link)], known=end_of(chain(6)))


def test_a_log_that_claims_to_be_begun_anew_lacks_the_known_line() -> None:
    claims = chain(3, start=end_of(chain(6)), action=Action.BEGIN_LOG)
    with pytest.raises(Break, match="Line 6 is missing before this one") as caught:
        walk(claims, known=end_of(chain(6)))
    assert caught.value.place == ("one", 1)
