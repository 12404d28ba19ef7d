"""Between the contract's recipes for values and the domain's."""

from leger.secrets.v1 import secrets_pb2 as pb

from leger_secrets.domain.generate import (
    Algorithm,
    Encoding,
    Generated,
    Password,
    PrivateKey,
    RandomToken,
    Recipe,
)

_ENCODINGS = {
    pb.Recipe.Token.ENCODING_UNSPECIFIED: Encoding.BASE64URL,
    pb.Recipe.Token.ENCODING_BASE64URL: Encoding.BASE64URL,
    pb.Recipe.Token.ENCODING_BASE64: Encoding.BASE64,
    pb.Recipe.Token.ENCODING_HEX: Encoding.HEX,
}
_ALGORITHMS = {
    pb.Recipe.PrivateKey.ALGORITHM_UNSPECIFIED: Algorithm.ED25519,
    pb.Recipe.PrivateKey.ALGORITHM_ED25519: Algorithm.ED25519,
    pb.Recipe.PrivateKey.ALGORITHM_X25519: Algorithm.X25519,
    pb.Recipe.PrivateKey.ALGORITHM_P256: Algorithm.P256,
    pb.Recipe.PrivateKey.ALGORITHM_RSA3072: Algorithm.RSA3072,
}


def recipe(asked: pb.Recipe) -> Recipe | None:
    """Unpack how a value is to be made; None when that is not said."""
    match asked.WhichOneof("kind"):
        case "password":
            return Password(length=asked.password.length, symbols=asked.password.symbols)
        case "token":
            return RandomToken(
                size=asked.token.bytes,
                encoding=_ENCODINGS.get(asked.token.encoding),
                prefix=asked.token.prefix,
            )
        case "private_key":
            return PrivateKey(
                algorithm=_ALGORITHMS.get(asked.private_key.algorithm),
                openssh=asked.private_key.openssh,
            )
        case None:
            return None


def generate_response(generated: Generated) -> pb.GenerateSecretResponse:
    """Pack which version has the value that was made."""
    return pb.GenerateSecretResponse(
        version=generated.version, active=generated.active, public_key=generated.public_key
    )
