from datetime import UTC, datetime

from leger.secrets.v1 import secrets_pb2 as pb
from leger_secrets import convert
from leger_secrets.domain.secrets import GetResult
from leger_secrets.domain.store import Binding, SecretInfo, StackBinding, Version
from leger_secrets.domain.value import SecretValue

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_a_value_and_its_version_are_packed() -> None:
    got = convert.get_response(GetResult(version=3, value=SecretValue(b"\0\xff")))
    assert (got.value, got.version, got.unchanged) == (b"\0\xff", 3, False)


def test_an_empty_value_is_not_the_same_as_unchanged() -> None:
    assert not convert.get_response(GetResult(version=3, value=SecretValue(b""))).unchanged
    assert convert.get_response(GetResult(version=3, value=None)).unchanged


def test_an_info_is_packed_with_its_times_to_the_microsecond() -> None:
    info = convert.secret_info(
        SecretInfo(
            name="a",
            versions=(Version(number=2, create_time=NOW, created_by="operator:root"),),
            active=2,
            revision=9,
            units=("web.service",),
        )
    )
    assert info.versions[0].create_time.ToDatetime(tzinfo=UTC) == NOW
    assert info.versions[0].created_by == "operator:root"
    assert (info.name, info.active_version, info.revision) == ("a", 2, 9)
    assert list(info.units) == ["web.service"]


def test_bindings_go_both_ways() -> None:
    packed = convert.stack_binding(StackBinding("notes", Binding("web.service", "c", "s")))
    request = pb.BindStackRequest(stack="notes", bindings=[packed.binding])
    assert convert.bindings(request) == [Binding("web.service", "c", "s")]
