"""What a backup may hold."""

from dataclasses import replace

import pytest
from leger_secrets.adapters import age
from leger_secrets.domain import contents_check
from leger_secrets.domain.backup_errors import BackupInvalid
from leger_secrets.domain.grants import Grant, Permission
from leger_secrets.domain.stored import Author, Contents, Notes
from unit.secrets.backups import CONTENTS, RECIPIENT, ROOT, secret, version

CI = CONTENTS.tokens[0]


def holding(*secrets: object, **fields: object) -> Contents:
    """Return contents with these secrets, or with fields otherwise than usual."""
    return replace(CONTENTS, **({"secrets": secrets} if secrets else {}), **fields)  # type: ignore[arg-type]


def test_what_a_store_holds_passes() -> None:
    contents_check.check(CONTENTS, age)


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (holding(secret("", b"x")), "It is empty."),
        (holding(secret("_internal/x", b"x")), "are reserved"),
        (holding(secret("a\x1b[2J", b"x")), "cannot be printed"),
        (holding(secret("a", b"x"), secret("a", b"y")), "The secret a is in it twice."),
        (holding(secret("a")), "The active version of a is not in it."),
        (holding(secret("a", b"x", active=2)), "The active version of a is not in it."),
        (holding(secret("a", b"x", None)), "The active version of a is not in it."),
        (holding(secret("a", b"x", previous=2)), "The previous version of a is not in it."),
        (holding(secret("a", b"x", latest=2)), "The latest version of a is not in it."),
        (
            holding(secret("a", versions=(version(2, b"x"), version(1, b"y")), active=1, latest=2)),
            "The versions of a are not in ascending order.",
        ),
        (
            holding(secret("a", versions=(version(1, b"x"), version(1, b"y")), active=1, latest=1)),
            "The versions of a are not in ascending order.",
        ),
        (
            holding(secret("a", versions=(version(0, b"x"),), active=0)),
            "0 is not a version number.",
        ),
        (
            holding(secret("a", versions=(version(2**32, b"x"),), active=2**32, latest=2**32)),
            "4294967296 is not a version number.",
        ),
        (holding(secret("a", bytes(1_000_001))), "Version 1 of a has more than 1000000 bytes."),
        (holding(secret("a", b"x", notes=Notes(description="\x00"))), "cannot be printed"),
        (holding(secret("a", b"x", notes=Notes(labels={"": "x"}))), "cannot be the key of a label"),
        (holding(secret("a", b"x", notes=Notes(rotate_after_days=9999))), "9999 days"),
        (
            holding(secret("a", b"x", notes=Notes(labels={f"l{n}": "" for n in range(65)}))),
            "65 labels",
        ),
        (holding(secret("a", b"x", created=Author("", ROOT.time))), "a principal"),
        (holding(secret("a", b"x", updated=Author("\x1b", ROOT.time))), "a principal"),
        (holding(tokens=(replace(CI, name="No"),)), "cannot be the name of a token"),
        (holding(tokens=(replace(CI, digest=b"x"),)), "The digest of the token ci"),
        (holding(tokens=(CI, CI)), "The token ci is in it twice."),
        (holding(tokens=(CI, replace(CI, name="b"))), "The digest of a token"),
        (
            holding(tokens=(replace(CI, grants=(Grant(actions=frozenset(), secrets=("*",)),)),)),
            "It has no actions.",
        ),
        (
            holding(
                tokens=(
                    replace(
                        CI, grants=(Grant(actions=frozenset({Permission.GET}), secrets=()),) * 101
                    ),
                )
            ),
            "more than 100 grants",
        ),
        (holding(revision=2**52 + 1), "It has a revision that"),
        (holding(recovery_recipients=("age1",)), "nothing can be encrypted"),
        (holding(recovery_recipients=(RECIPIENT,) * 2), "The recovery recipient age1"),
    ],
)
def test_what_no_store_can_hold_is_refused(contents: Contents, problem: str) -> None:
    with pytest.raises(BackupInvalid) as refused:
        contents_check.check(contents, age)
    assert problem in refused.value.why
