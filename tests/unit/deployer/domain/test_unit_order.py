"""Units start in an order in which each finds what it needs."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.quadlet_file import parse
from leger_deployer.domain.unit_order import OrderingCycle, start_order


def units(**lines: str) -> list[GeneratedUnit]:
    return [
        GeneratedUnit(
            name=f"{name}.service",
            source=PurePosixPath(f"/s/{name}.container"),
            file=parse(f"[Unit]\n{text}\n"),
        )
        for name, text in lines.items()
    ]


def order(**lines: str) -> str:
    return "".join(name.removesuffix(".service") for name in start_order(units(**lines)))


def test_after_and_before_bind() -> None:
    assert order(a="After=b.service", b="", c="Before=b.service") == "cba"


def test_a_requirement_comes_first_though_nothing_orders_it() -> None:
    assert order(a="Requires=b.service", b="Wants=c.service", c="") == "cba"


def test_free_units_are_in_alphabetical_order() -> None:
    assert order(c="", a="", b="") == "abc"


def test_a_pod_and_its_container_need_each_other_and_the_pod_is_first() -> None:
    assert order(
        c="BindsTo=p.service\nAfter=p.service", p="Wants=c.service\nBefore=c.service"
    ) == "pc"  # fmt: skip


def test_requirements_in_a_circle_start_together() -> None:
    assert sorted(order(a="Requires=b.service", b="Requires=a.service")) == ["a", "b"]


def test_an_ordering_in_a_circle_is_refused_and_shown() -> None:
    with pytest.raises(OrderingCycle, match=r"\.service → .*\.service → .*\.service"):
        order(a="After=b.service", b="After=c.service", c="After=a.service")


def test_units_of_others_do_not_matter() -> None:
    assert order(a="After=network-online.target x.service", b="") == "ab"


def test_a_unit_that_names_itself_is_no_circle() -> None:
    assert order(a="After=a.service\nWants=a.service") == "a"


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7))))
def test_every_unit_comes_after_all_that_it_is_ordered_after(pairs: list[tuple[int, int]]) -> None:
    lines = {f"u{n}": "" for n in range(8)}
    for later, earlier in pairs:
        if earlier < later:  # no circle this way
            lines[f"u{later}"] += f"After=u{earlier}.service\n"
    found = start_order(units(**lines))
    assert sorted(found) == sorted(f"{name}.service" for name in lines)
    for later, earlier in pairs:
        if earlier < later:
            assert found.index(f"u{earlier}.service") < found.index(f"u{later}.service")
