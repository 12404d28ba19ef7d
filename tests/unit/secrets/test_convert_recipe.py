import pytest
from leger.secrets.v1 import secrets_pb2 as pb
from leger_secrets import convert_recipe
from leger_secrets.domain.generate import (
    Algorithm,
    Encoding,
    Generated,
    Password,
    PrivateKey,
    RandomToken,
)

Token = pb.Recipe.Token
Key = pb.Recipe.PrivateKey


@pytest.mark.parametrize(
    ("packed", "recipe"),
    [
        (pb.Recipe(), None),
        (pb.Recipe(password=pb.Recipe.Password()), Password()),
        (
            pb.Recipe(password=pb.Recipe.Password(length=9, symbols=True)),
            Password(length=9, symbols=True),
        ),
        (pb.Recipe(token=Token()), RandomToken()),
        (
            pb.Recipe(token=Token(bytes=20, encoding=Token.ENCODING_HEX, prefix="sk-")),
            RandomToken(size=20, encoding=Encoding.HEX, prefix="sk-"),
        ),
        (pb.Recipe(private_key=Key()), PrivateKey()),
        (
            pb.Recipe(private_key=Key(algorithm=Key.ALGORITHM_RSA3072, openssh=True)),
            PrivateKey(algorithm=Algorithm.RSA3072, openssh=True),
        ),
    ],
)
def test_a_recipe_is_unpacked(packed: pb.Recipe, recipe: object) -> None:
    assert convert_recipe.recipe(packed) == recipe


def test_every_name_of_the_contract_is_known() -> None:
    for encoding in Token.Encoding.values():
        found = convert_recipe.recipe(pb.Recipe(token=Token(encoding=encoding)))
        assert isinstance(found, RandomToken)
        assert found.encoding is not None
    for algorithm in Key.Algorithm.values():
        made = convert_recipe.recipe(pb.Recipe(private_key=Key(algorithm=algorithm)))
        assert isinstance(made, PrivateKey)
        assert made.algorithm is not None


def test_a_number_that_the_contract_does_not_have_yet_is_none_for_the_domain_to_refuse() -> None:
    key = pb.Recipe.FromString(bytes([0x1A, 2, 0x08, 99]))
    assert convert_recipe.recipe(key) == PrivateKey(algorithm=None)


def test_what_was_generated_is_packed_without_its_value() -> None:
    packed = convert_recipe.generate_response(Generated(version=3, active=True, public_key="pem"))
    assert (packed.version, packed.active, packed.public_key) == (3, True, "pem")
