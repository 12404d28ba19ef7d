"""Which passphrases may protect the store or a backup."""

from leger_runtime.errors import FieldViolation, Kind, LegerError

from leger_secrets.domain.value import SecretValue

MIN_CHARACTERS = 12
# Whoever has the file can try passphrases for years. Twelve characters of any kind, or a few words,
# times what one try costs (see the keyring and age's scrypt) outlast that; rules about kinds of
# characters make people write "Password1!" (NIST SP 800-63B, section 5.1.1.2).
MAX_BYTES = 1024


class PassphraseWeak(LegerError):
    """A passphrase that could be found by trying, or that nobody types."""

    kind, reason = Kind.INVALID, "PASSPHRASE_WEAK"

    def __init__(self, why: str) -> None:
        super().__init__(
            "The passphrase is refused, and nothing was changed.",
            why=why,
            next_step=f"Choose {MIN_CHARACTERS} characters or more; five random words are good.",
            violations=[FieldViolation(field="passphrase", description=why)],
        )


def check(passphrase: SecretValue) -> None:
    """Raise PassphraseWeak for a new passphrase that is too short, too long, or one character."""
    characters = passphrase.reveal().decode(errors="replace")
    if len(characters) < MIN_CHARACTERS:
        raise PassphraseWeak(f"It has fewer than {MIN_CHARACTERS} characters.")
    if len(passphrase) > MAX_BYTES:
        raise PassphraseWeak(f"It has more than {MAX_BYTES} bytes.")
    if len(set(characters)) == 1:
        raise PassphraseWeak("It is one character, over and over.")
