import pytest
from leger_secrets.domain import passphrase
from leger_secrets.domain.passphrase import PassphraseWeak
from leger_secrets.domain.value import SecretValue


@pytest.mark.parametrize(
    "good", ["twelve chars", "five random words are good", "пароль из слов", "x" * 500 + "y"]
)
def test_twelve_characters_of_any_kind_are_enough(good: str) -> None:
    passphrase.check(SecretValue(good.encode()))


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        (b"", "fewer than 12 characters"),
        (b"eleven char", "fewer than 12 characters"),
        ("одиннадцать".encode(), "fewer than 12 characters"),  # more bytes than characters
        (b"x" * 30, "one character, over and over"),
        (b"xy" * 600, "more than 1024 bytes"),
    ],
)
def test_what_could_be_guessed_is_refused_with_the_rule_and_never_shown(
    weak: bytes, why: str
) -> None:
    with pytest.raises(PassphraseWeak) as caught:
        passphrase.check(SecretValue(weak))
    assert why in caught.value.why
    assert [violation.field for violation in caught.value.violations] == ["passphrase"]
    if weak:
        assert weak.decode() not in f"{caught.value} {caught.value.next_step}"
