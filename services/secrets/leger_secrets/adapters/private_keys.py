"""Private keys, made by the library `cryptography`."""

from leger_secrets.domain.generate import Algorithm, KeyPair
from leger_secrets.domain.value import SecretValue


class CryptographyKeyMaker:
    """Makes private keys. The library is loaded by the first: most services never make one."""

    def make(self, algorithm: Algorithm, *, openssh: bool) -> KeyPair:
        """Make one, unencrypted: the store encrypts it. OpenSSH has no X25519 keys."""
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
            PublicFormat,
        )

        key: (
            ed25519.Ed25519PrivateKey
            | x25519.X25519PrivateKey
            | ec.EllipticCurvePrivateKey
            | rsa.RSAPrivateKey
        )
        match algorithm:
            case Algorithm.ED25519:
                key = ed25519.Ed25519PrivateKey.generate()
            case Algorithm.X25519:
                key = x25519.X25519PrivateKey.generate()
            case Algorithm.P256:
                key = ec.generate_private_key(ec.SECP256R1())
            case Algorithm.RSA3072:
                key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        private = key.private_bytes(
            Encoding.PEM,
            PrivateFormat.OpenSSH if openssh else PrivateFormat.PKCS8,
            NoEncryption(),
        )
        public = key.public_key().public_bytes(
            Encoding.OpenSSH if openssh else Encoding.PEM,
            PublicFormat.OpenSSH if openssh else PublicFormat.SubjectPublicKeyInfo,
        )
        return KeyPair(private=SecretValue(private), public=public.decode())
