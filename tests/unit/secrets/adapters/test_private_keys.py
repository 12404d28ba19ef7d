import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from leger_secrets.adapters.private_keys import CryptographyKeyMaker
from leger_secrets.domain.generate import Algorithm

CLASSES: dict[Algorithm, Any] = {
    Algorithm.ED25519: ed25519.Ed25519PrivateKey,
    Algorithm.X25519: x25519.X25519PrivateKey,
    Algorithm.P256: ec.EllipticCurvePrivateKey,
    Algorithm.RSA3072: rsa.RSAPrivateKey,
}


def assert_pair(private: Any, public: Any, algorithm: Algorithm) -> None:
    assert isinstance(private, CLASSES[algorithm]), type(private)
    raw = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert private.public_key().public_bytes(*raw) == public.public_bytes(*raw)
    if algorithm is Algorithm.RSA3072:
        assert (private.key_size, public.public_numbers().e) == (3072, 65537)
    if algorithm is Algorithm.P256:
        assert private.curve.name == "secp256r1"


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_is_pkcs8_and_its_public_key_a_subject_public_key_info(algorithm: Algorithm) -> None:
    pair = CryptographyKeyMaker().make(algorithm, openssh=False)
    pem = pair.private.reveal()
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    private = serialization.load_pem_private_key(pem, password=None)
    assert_pair(private, serialization.load_pem_public_key(pair.public.encode()), algorithm)


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.P256, Algorithm.RSA3072])
def test_a_key_of_openssh_is_of_its_format_and_its_public_key_one_line(
    algorithm: Algorithm,
) -> None:
    pair = CryptographyKeyMaker().make(algorithm, openssh=True)
    text = pair.private.reveal()
    assert text.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert "\n" not in pair.public
    private = serialization.load_ssh_private_key(text, password=None)
    assert_pair(private, serialization.load_ssh_public_key(pair.public.encode()), algorithm)


def test_a_service_that_makes_no_key_does_not_load_the_library() -> None:
    program = (
        "import sys, leger_secrets.adapters.private_keys as keys; keys.CryptographyKeyMaker();"
        " print([m for m in sys.modules if m.startswith('cryptography')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"
