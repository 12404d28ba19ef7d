from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1.access_pb2 import CreateTokenRequest
from leger_secrets import convert
from leger_secrets.domain.changes import Change, ChangeKind
from leger_secrets.domain.handouts import Handout
from leger_secrets.domain.imports import ImportChange, Imported
from leger_secrets.domain.secrets import GetResult
from leger_secrets.domain.stored import Author, Binding, Notes, SecretInfo, StackBinding, Version
from leger_secrets.domain.time_asked import TimeAsked
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
            previous=1,
            revision=9,
            units=("web.service",),
            notes=Notes(rotate_after_days=30),
            created=Author("operator:alice", NOW - timedelta(days=9)),
            updated=Author("operator:root", NOW),
            activate_time=NOW,
        )
    )
    assert info.versions[0].create_time.ToDatetime(tzinfo=UTC) == NOW
    assert info.versions[0].created_by == "operator:root"
    assert (info.name, info.active_version, info.revision) == ("a", 2, 9)
    assert info.previous_version == 1
    assert (info.created_by, info.updated_by) == ("operator:alice", "operator:root")
    assert info.create_time.ToDatetime(tzinfo=UTC) == NOW - timedelta(days=9)
    assert info.update_time.ToDatetime(tzinfo=UTC) == NOW
    assert info.rotate_due_time.ToDatetime(tzinfo=UTC) == NOW + timedelta(days=30)
    assert not info.notes.HasField("expire_time")
    assert list(info.units) == ["web.service"]


def test_bindings_go_both_ways() -> None:
    bound = StackBinding("notes", Binding("web.service", "c", "s"))
    handout = Handout(unit="web.service", credential="c", secret="s", version=3, time=NOW)
    packed = convert.stack_binding(bound, [handout])
    request = pb.BindStackRequest(stack="notes", bindings=[packed.binding])
    assert convert.bindings(request) == [Binding("web.service", "c", "s")]
    [served] = packed.served
    assert (served.unit, served.version) == ("web.service", 3)
    assert served.time.ToDatetime(tzinfo=UTC) == NOW


def test_notes_go_both_ways() -> None:
    noted = Notes(description="x", labels={"k": "v"}, expire_time=NOW, rotate_after_days=30)
    asked = convert.notes_asked(convert.notes(noted))
    assert (asked.description, asked.labels, asked.rotate_after_days) == ("x", {"k": "v"}, 30)
    assert asked.expire_time
    assert asked.expire_time.moment() == NOW
    assert convert.notes_asked(pb.SecretNotes()).expire_time is None


def test_a_time_that_no_calendar_has_is_unpacked_for_the_domain_to_refuse() -> None:
    asked = pb.SecretNotes(expire_time=Timestamp(seconds=2**62))
    assert convert.notes_asked(asked).expire_time == TimeAsked(2**62)


def test_every_kind_of_change_has_its_name_on_the_wire() -> None:
    for kind in ChangeKind:
        changed = Change(7, kind, "a", 2, Author("operator:root", NOW), last=True)
        packed = convert.change(changed)
        assert pb.WatchSecretsResponse.Change.Name(packed.change) == f"CHANGE_{kind.name}"
    assert (packed.revision, packed.name, packed.version) == (7, "a", 2)
    assert (packed.principal, packed.last_of_revision) == ("operator:root", True)
    assert packed.time.ToDatetime(tzinfo=UTC) == NOW


def test_every_change_of_an_import_has_its_name_on_the_wire() -> None:
    results = [Imported(name="a", change=c, version=1, units=("u",)) for c in ImportChange]
    packed = convert.import_response(results, 9)
    names = [pb.ImportSecretsResponse.Change.Name(result.change) for result in packed.results]
    assert names == [f"CHANGE_{change.name}" for change in ImportChange]
    assert packed.revision == 9


def test_the_secrets_that_a_request_names_are_known_for_the_audit() -> None:
    item = pb.ImportSecretsRequest.Item(name="a")
    assert convert.named_secrets(pb.GetSecretRequest(name="a")) == ["a"]
    assert convert.named_secrets(pb.ResolveSecretsRequest(names=["a", "b"])) == ["a", "b"]
    assert convert.named_secrets(pb.ImportSecretsRequest(secrets=[item])) == ["a"]
    assert convert.named_secrets(pb.ListSecretsRequest()) == []
    assert convert.named_secrets(CreateTokenRequest(name="ci")) == []
