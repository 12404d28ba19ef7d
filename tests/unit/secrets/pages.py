"""What an SQLCipher database and its write-ahead log hold, decrypted outside of the engine.

The layout is that of zetic.net/sqlcipher/design and sqlite.org/fileformat2.html: pages of 4096
bytes, of which the last 80 are the IV (16) and the HMAC (64); the first 16 bytes of page 1 are the
salt, in the clear. The log has a header of 32 bytes and one of 24 before each page.
"""

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_PAGE, _RESERVED, _IV, _SALT = 4096, 80, 16, 16
_LOG_HEADER, _FRAME_HEADER = 32, 24


def decrypted(path: Path, key: bytes) -> bytes:
    """Return all pages of the database and of its log, one after the other."""
    log = path.with_name(f"{path.name}-wal")
    pages = list(_pages_of_database(path.read_bytes()))
    if log.exists():
        pages += _pages_of_log(log.read_bytes())
    return b"".join(_decrypted(number, page, key) for number, page in pages)


def _pages_of_database(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, start in enumerate(range(0, len(content), _PAGE), start=1):
        yield number, content[start : start + _PAGE]


def _pages_of_log(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield every frame that lies there, those of earlier rounds too."""
    for start in range(_LOG_HEADER, len(content), _FRAME_HEADER + _PAGE):
        frame = content[start : start + _FRAME_HEADER + _PAGE]
        yield int.from_bytes(frame[:4], "big"), frame[_FRAME_HEADER:]


def _decrypted(number: int, page: bytes, key: bytes) -> bytes:
    encrypted = page[_SALT if number == 1 else 0 : _PAGE - _RESERVED]
    iv = page[_PAGE - _RESERVED :][:_IV]
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).decryptor()
    return decryptor.update(encrypted) + decryptor.finalize()
