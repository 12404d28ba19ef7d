"""Looking at a database without changing anything about it, not even its write-ahead log.

Opening a database for use folds the log into the file. When the log is damaged, what comes after
the damage is lost by that for good; so whether anything is missing is found out before.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlcipher3 import dbapi2

from leger_secrets.adapters import sqlcipher
from leger_secrets.domain.sealing_errors import StoreDamaged

_PAGE = re.compile(r"page (\d+)")


def revision(path: Path, key: bytes | bytearray) -> int:
    """Return the revision of the last commit, 0 of a file in which nothing was ever stored.

    Raises StoreKeyWrong, StoreDamaged, StoreUnavailable.
    """
    with _opened(path, key) as connection:
        sqlcipher.check_key(connection, path)
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'revision'").fetchone():
            return 0
        (found,) = connection.execute("SELECT value FROM revision").fetchone()
    return int(found)


def verify(path: Path, key: bytes | bytearray) -> None:
    """Check the authentication code of every page in the file.

    Of an open store's file: a page that was torn as power was lost is whole in the log, and is
    mended by opening. Raises StoreDamaged, StoreUnavailable.
    """
    with _opened(path, key) as connection:
        problems = [text for (text,) in connection.execute("PRAGMA cipher_integrity_check")]
    if problems:
        raise StoreDamaged.pages(path, [int(n) for p in problems for n in _PAGE.findall(p)])


@contextmanager
def _opened(path: Path, key: bytes | bytearray) -> Iterator[dbapi2.Connection]:
    # SQLite does not fold the log of a database that it may not write.
    connection = sqlcipher.unlock(f"{path.absolute().as_uri()}?mode=ro", key)
    try:
        with sqlcipher.translated():
            yield connection
    finally:
        connection.close()
