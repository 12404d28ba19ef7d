from pathlib import Path

import pytest
from leger_runtime.errors import Kind
from leger_secrets.adapters import key_file
from leger_secrets.domain.sealing_errors import StoreKeyInvalid, StoreKeyMissing

KEY = bytes(range(200, 232))


@pytest.mark.parametrize(
    "content", [KEY, KEY.hex().encode(), KEY.hex().upper().encode(), KEY.hex().encode() + b"\n"]
)
def test_a_key_is_raw_or_hexadecimal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert key_file.read(path) == KEY


@pytest.mark.parametrize(
    "content", [b"", KEY[:31], KEY + b"\n", KEY.hex().encode()[:-2], b"z" * 64, b"x" * 10_000]
)
def test_anything_else_is_no_key_and_is_not_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(StoreKeyInvalid) as caught:
        key_file.read(path)
    assert caught.value.kind is Kind.INVALID
    text = f"{caught.value} {caught.value.next_step}"
    assert str(path) in text
    assert not content or content.decode("latin1") not in text


def test_a_missing_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreKeyMissing) as caught:
        key_file.read(tmp_path / "key")
    assert caught.value.kind is Kind.NOT_FOUND
    assert caught.value.why == "No such file or directory."
    assert "legerd key status" in caught.value.next_step
