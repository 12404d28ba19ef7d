"""One changed byte in the store's files is noticed and named, and nothing wrong is served."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from contract.secrets.conftest import start_process, wait_until_serving
from contract.secrets.test_sealing import get, health, put, running, status
from leger_runtime.errors import LegerError
from leger_secrets.adapters import key_file, keyring_file
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.sealable_store import SealableSecretStore
from leger_secrets.adapters.store_files import StoreFiles
from leger_secrets.adapters.store_seal import StoreSeal
from leger_secrets.config import Config
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import Clock

PAGE = 4096
SECRETS = 12
# sqlite.org/fileformat2.html, section 4
WAL_HEADER, FRAME_HEADER = 32, 24


def value(number: int) -> bytes:
    return f"value {number} ".encode() * 500


def fill(config: Config) -> None:
    with running(config) as operator:
        for number in range(SECRETS):
            put(operator, f"s{number}", value(number))


def flip(path: Path, offset: int) -> None:
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)
        [byte] = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1 << random.randrange(8)]))


def opening(config: Config) -> LegerError | None:
    """Open the store of these files; return what keeps it sealed."""
    audit = AuditFile(path=config.state_dir / "audit.log", clock=Clock())
    files = StoreFiles(
        directory=config.state_dir,
        root_key=partial(key_file.read, config.key_file),
        audit=audit,
        clock=Clock(),
    )
    store = SealableSecretStore(database=files.database, on_change=lambda _: None)
    try:
        with StoreSeal(store=store, files=files).unsealing(
            SecretValue(b""), accept_rollback=False, begin_audit_log=None
        ):
            return None
    except LegerError as cause:
        return cause
    finally:
        store.close()
        audit.close()


@pytest.fixture
def damaged(config: Config, tmp_path: Path) -> Callable[[str, int], LegerError | None]:
    """Change a byte in a copy of the files; return what keeps the store sealed then."""

    def damaged(name: str, offset: int) -> LegerError | None:
        copy = Config(**{**vars(config), "state_dir": tmp_path / "copy"})
        shutil.rmtree(copy.state_dir, ignore_errors=True)
        shutil.copytree(config.state_dir, copy.state_dir)
        flip(copy.state_dir / name, offset)
        before = (copy.state_dir / name).read_bytes()
        cause = opening(copy)
        if cause:
            assert (copy.state_dir / name).read_bytes() == before, "the evidence is gone"
        return cause

    return damaged


Damaged = Callable[[str, int], LegerError | None]


def test_whole_files_open(config: Config) -> None:
    fill(config)
    assert opening(config) is None


def test_a_changed_byte_in_any_page_of_the_database(config: Config, damaged: Damaged) -> None:
    fill(config)
    size = (config.state_dir / "secrets.db").stat().st_size
    assert size > 20 * PAGE
    for start in range(0, size, PAGE):
        cause = damaged("secrets.db", start + random.randrange(PAGE))
        assert cause is not None
        assert cause.reason == "STORE_DAMAGED"
        assert "secrets.db" in cause.what


def test_the_page_is_named(config: Config, damaged: Damaged) -> None:
    fill(config)
    cause = damaged("secrets.db", 9 * PAGE + 5)
    assert cause is not None
    assert cause.why == "The content of its page 10 does not have the code it should."


@pytest.mark.parametrize("size", [100, PAGE, 10 * PAGE, 10 * PAGE + 1])
def test_a_database_that_was_cut_off(config: Config, size: int) -> None:
    fill(config)
    os.truncate(config.state_dir / "secrets.db", size)
    cause = opening(config)
    assert cause is not None
    assert cause.reason == "STORE_DAMAGED"


@pytest.fixture
def killed(config: Config) -> Path:
    """The write-ahead log of a service that was killed: nothing of it is in the database yet."""
    fill(config)
    process = start_process(config)
    operator = wait_until_serving(config, process)
    for number in range(6):
        put(operator, f"new{number}", value(number))
    process.kill()
    process.communicate()
    operator.channel.close()
    return config.state_dir / "secrets.db-wal"


def frames(log: Path) -> Iterator[int]:
    yield from range(WAL_HEADER, log.stat().st_size, FRAME_HEADER + PAGE)


def test_a_killed_services_log_is_gone_on_with(config: Config, killed: Path) -> None:
    assert len(list(frames(killed))) > 10
    with running(config) as operator:
        assert get(operator, "new5") == value(5)


def test_a_changed_byte_in_any_frame_of_the_write_ahead_log(killed: Path, damaged: Damaged) -> None:
    """SQLite ends its log there without a word, and with it confirmed writes: the anchor knows."""
    for frame in frames(killed):
        for place in (random.randrange(FRAME_HEADER), FRAME_HEADER + random.randrange(PAGE)):
            cause = damaged(killed.name, frame + place)
            assert cause is not None
            assert cause.reason == "STORE_ROLLED_BACK"
            assert "write-ahead log" in cause.why


def test_a_changed_byte_anywhere_in_the_logs_header(killed: Path, damaged: Damaged) -> None:
    for offset in range(WAL_HEADER):
        cause = damaged(killed.name, offset)
        assert cause is not None
        assert cause.reason in ("STORE_ROLLED_BACK", "STORE_UNAVAILABLE")


def test_a_log_that_is_gone(config: Config, killed: Path) -> None:
    killed.unlink()
    cause = opening(config)
    assert cause is not None
    assert cause.reason == "STORE_ROLLED_BACK"


def test_a_damaged_keyring_is_named_and_not_taken_for_a_wrong_key(
    config: Config, damaged: Damaged
) -> None:
    fill(config)
    cause = damaged(keyring_file.NAME, 300)
    assert cause is not None
    assert cause.reason == "STORE_DAMAGED"
    assert keyring_file.NAME in cause.what


def test_a_page_that_is_damaged_while_it_serves_seals_it(config: Config) -> None:
    big = [os.urandom(50_000) for _ in range(30)]  # more than what is kept in memory
    with running(config) as operator:
        for number, content in enumerate(big):
            put(operator, f"s{number}", content)
    database = config.state_dir / "secrets.db"
    with running(config) as operator:
        for start in range(
            database.stat().st_size // 2 // PAGE * PAGE, database.stat().st_size, PAGE
        ):
            flip(database, start + 100)
        reasons = set()
        for number, content in enumerate(big):
            try:
                assert get(operator, f"s{number}") == content
            except LegerError as error:
                reasons.add(error.reason)
        assert reasons <= {"STORE_DAMAGED", "STORE_SEALED"}
        assert "STORE_DAMAGED" in reasons
        found = status(operator)
        assert found.seal_reason == "STORE_DAMAGED"
        assert str(database) in found.seal_what
        assert not health(operator)


def test_one_damaged_page_of_a_long_value_is_never_handed_out(config: Config) -> None:
    """SQLCipher itself hands out the end of a long value as zeros when its page is damaged."""
    with running(config) as operator:
        for number in range(5):
            put(operator, f"s{number}", value(number) * 2)
    database = config.state_dir / "secrets.db"
    whole = database.read_bytes()
    reasons = set()
    for start in range(PAGE, len(whole), PAGE):
        with running(config) as operator:
            flip(database, start + random.randrange(PAGE))
            for number in range(5):
                try:
                    assert get(operator, f"s{number}") == value(number) * 2
                except LegerError as error:
                    reasons.add(error.reason)
        database.write_bytes(whole)
    assert reasons == {"STORE_DAMAGED", "STORE_SEALED"}


def test_a_log_that_is_damaged_while_it_serves_is_not_believed(config: Config) -> None:
    with running(config) as operator:
        big = [os.urandom(60_000) for _ in range(40)]  # still less than SQLite checkpoints at
        for number, content in enumerate(big):
            put(operator, f"s{number}", content)
        log = config.state_dir / "secrets.db-wal"
        for frame in frames(log):
            flip(log, frame + FRAME_HEADER + random.randrange(PAGE))
        reasons = set()
        for number, content in enumerate(big):
            try:
                assert get(operator, f"s{number}") == content
            except LegerError as error:
                reasons.add(error.reason)
        assert reasons <= {"STORE_DAMAGED", "STORE_SEALED"}
        assert "STORE_DAMAGED" in reasons
    with running(config) as operator:
        assert status(operator).seal_reason == "STORE_DAMAGED"
