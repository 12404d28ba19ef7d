"""Changes to secrets, and what an import changes: all that the contract knows has words."""

from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as s
from leger_cli.views import changes, imports
from unit.cli.conftest import Written


def test_every_change_of_the_contract_has_words(pipe: Written) -> None:
    kinds = [number for name, number in s.WatchSecretsResponse.Change.items() if number]
    for kind in kinds:
        changes.change(
            s.WatchSecretsResponse(
                revision=7,
                change=kind,
                name="api_key",
                version=3,
                time=Timestamp(seconds=1_700_000_000),
                principal="operator:root",
            )
        )
    lines = pipe().splitlines()
    assert all(line.endswith(" by operator:root, revision 7") for line in lines)
    said = [line.split(": ", 1)[1].removesuffix(" by operator:root, revision 7") for line in lines]
    assert said == [
        "version 3 was added",
        "version 3 is active",
        "version 3 was deleted",
        "was deleted",
        "has other notes",
    ]


def test_every_kind_of_import_has_words(pipe: Written) -> None:
    kinds = [number for name, number in s.ImportSecretsResponse.Change.items() if number]
    imports.table(
        [
            s.ImportSecretsResponse.Result(name=f"s{kind}", change=kind, version=kind)
            for kind in kinds
        ]
    )
    assert [line.split(maxsplit=1)[1] for line in pipe().splitlines()[1:]] == [
        "create     1        -",
        "update     2        -",
        "no change  3        -",
        "activate   4        -",
    ]
