from datetime import UTC, datetime, timedelta

import pytest
from contract.secrets.conftest import Client
from cryptography.hazmat.primitives import serialization
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import Kind, LegerError

NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
Import = pb.ImportSecretsResponse


def put(operator: Client, name: str, value: bytes) -> None:
    operator.secrets.PutSecret(pb.PutSecretRequest(name=name, value=value))


def value_of(operator: Client, name: str) -> bytes:
    return operator.secrets.GetSecret(pb.GetSecretRequest(name=name)).value


def update(operator: Client, *paths: str, **fields: object) -> pb.SecretInfo:
    expire_time = fields.pop("expire_time", None)
    notes = pb.SecretNotes(**fields)  # type: ignore[arg-type]
    if isinstance(expire_time, datetime):
        notes.expire_time.FromDatetime(expire_time)
    request = pb.UpdateSecretRequest(name="a", notes=notes, update_mask=FieldMask(paths=paths))
    return client.call(lambda: operator.secrets.UpdateSecret(request)).secret


def test_notes_are_seen_in_the_answer_in_the_info_and_in_the_list(operator: Client) -> None:
    put(operator, "a", b"one")
    updated = update(
        operator,
        "description",
        "labels",
        "expire_time",
        "rotate_after_days",
        description="Key of the API",
        labels={"team": "ops"},
        expire_time=NEXT_YEAR,
        rotate_after_days=30,
    )
    assert updated.notes.description == "Key of the API"
    assert updated.notes.labels == {"team": "ops"}
    assert updated.notes.expire_time.ToDatetime(tzinfo=UTC) == NEXT_YEAR
    due = updated.rotate_due_time.ToDatetime(tzinfo=UTC)
    assert due == updated.activate_time.ToDatetime(tzinfo=UTC) + timedelta(days=30)
    assert operator.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name="a")).secret == updated
    assert list(operator.secrets.ListSecrets(pb.ListSecretsRequest()).secrets) == [updated]

    cleared = update(operator, "expire_time", "labels.team")
    assert not cleared.notes.HasField("expire_time")
    assert cleared.notes.labels == {}
    assert cleared.notes.description == "Key of the API"


def test_wrong_notes_are_named_field_by_field(operator: Client) -> None:
    put(operator, "a", b"one")
    with pytest.raises(LegerError) as caught:
        update(operator, "description", "labels", description="\n", labels={"?": ""})
    error = caught.value
    assert (error.kind, error.reason) == (Kind.INVALID, "INVALID_NOTES")
    assert [v.field for v in error.violations] == ["notes.description", "notes.labels.?"]


def test_a_time_that_no_calendar_has_is_refused(operator: Client) -> None:
    put(operator, "a", b"one")
    notes = pb.SecretNotes(expire_time=Timestamp(seconds=2**60))
    with pytest.raises(LegerError) as caught:
        client.call(
            lambda: operator.secrets.UpdateSecret(
                pb.UpdateSecretRequest(
                    name="a", notes=notes, update_mask=FieldMask(paths=["expire_time"])
                )
            )
        )
    assert caught.value.reason == "INVALID_NOTES"


def test_a_value_is_generated_and_not_answered(operator: Client) -> None:
    recipe = pb.Recipe(password=pb.Recipe.Password(length=20))
    made = operator.secrets.GenerateSecret(pb.GenerateSecretRequest(name="a", recipe=recipe))
    assert (made.version, made.active, made.public_key) == (1, True, "")
    assert len(value_of(operator, "a")) == 20
    again = operator.secrets.GenerateSecret(pb.GenerateSecretRequest(name="a", recipe=recipe))
    assert (again.version, again.active) == (2, False)


def test_the_public_key_of_a_generated_one_is_answered(operator: Client) -> None:
    recipe = pb.Recipe(private_key=pb.Recipe.PrivateKey(openssh=True))
    made = operator.secrets.GenerateSecret(pb.GenerateSecretRequest(name="a", recipe=recipe))
    private = serialization.load_ssh_private_key(value_of(operator, "a"), password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert made.public_key == public.decode()
    assert made.public_key.startswith("ssh-ed25519 ")


def test_a_recipe_that_makes_nothing_is_refused(operator: Client) -> None:
    with pytest.raises(LegerError) as caught:
        client.call(lambda: operator.secrets.GenerateSecret(pb.GenerateSecretRequest(name="a")))
    assert caught.value.reason == "INVALID_RECIPE"
    assert [v.field for v in caught.value.violations] == ["recipe"]


def import_(operator: Client, values: dict[str, bytes], *, dry_run: bool = False) -> Import:
    items = [pb.ImportSecretsRequest.Item(name=n, value=v) for n, v in values.items()]
    request = pb.ImportSecretsRequest(secrets=items, dry_run=dry_run)
    return client.call(lambda: operator.secrets.ImportSecrets(request))


def test_several_values_are_imported_at_once(operator: Client, deployer: Client) -> None:
    put(operator, "b", b"old")
    binding = pb.Binding(unit="web.service", credential="c", secret="b")
    deployer.bindings.BindStack(pb.BindStackRequest(stack="notes", bindings=[binding]))
    tried = import_(operator, {"a": b"new", "b": b"new"}, dry_run=True)
    assert value_of(operator, "b") == b"old"
    done = import_(operator, {"a": b"new", "b": b"new"})
    assert done.results == tried.results
    assert [(r.name, r.change, r.version, list(r.units)) for r in done.results] == [
        ("a", Import.CHANGE_CREATED, 1, []),
        ("b", Import.CHANGE_UPDATED, 2, ["web.service"]),
    ]
    assert done.revision == tried.revision + 1
    assert (value_of(operator, "a"), value_of(operator, "b")) == (b"new", b"new")


def test_an_import_with_one_bad_name_imports_nothing(operator: Client) -> None:
    with pytest.raises(LegerError) as caught:
        import_(operator, {"a": b"new", "b/../c": b"new"})
    assert caught.value.reason == "INVALID_NAME"
    assert [v.field for v in caught.value.violations] == ["secrets[1].name"]
    assert not operator.secrets.ListSecrets(pb.ListSecretsRequest()).secrets
