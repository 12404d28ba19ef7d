"""Publishing into a bucket of a real S3-compatible server, also when it goes wrong."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import publish_files
import publishing
import pytest
import repository
import repository_metadata
import rpm_samples
import signing
from contract.rpm.conftest import Store
from programs import BuildFailed
from publish_bucket import S3Bucket, connect
from signing import SigningKey

PUBLISH = Path(__file__).resolve().parents[3] / "rpm/publish"
Release = Callable[..., Path]


def file(version: str) -> str:
    return f"fedora/x86_64/{rpm_samples.NAME}-{version}-1.noarch.rpm"


def push(store: Store, tree: Path, *, dry_run: bool = False) -> list[str]:
    """Publish a tree and return the files that were told of."""
    told: list[str] = []
    publishing.push(store.bucket, tree, dry_run=dry_run, say=told.append)
    return told


def pushing(store: Store, tree: Path, *options: str) -> "subprocess.Popen[str]":
    """Publish a tree in a process of its own, as a release does."""
    return subprocess.Popen(
        [sys.executable, PUBLISH, "push", store.name, "--tree", tree, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def snapshot(store: Store) -> dict[str, bytes]:
    files = (path for path in store.objects.rglob("*") if path.is_file())
    return {str(path.relative_to(store.objects)): path.read_bytes() for path in files}


def served(store: Store, key: SigningKey) -> list[str]:
    """Return the versions that dnf would find, having checked all that it checks."""
    key.verify(store.objects / repository.REPOMD, store.objects / repository.SIGNATURE)
    repository_metadata.verify_files(store.objects / repository.ARCH)
    found = repository_metadata.packages(store.objects / repository.ARCH)
    for package in found:
        stored = store.objects / repository.ARCH / package.file
        assert stored.stat().st_size == package.size
    return [package.version for package in found]


@pytest.fixture
def release(store: Store, rpms: dict[str, Path], key: SigningKey, tmp_path: Path) -> Release:
    """Make what a release of some versions publishes: pull, then `make repo`."""

    def make(
        *versions: str,
        name: str = "repo",
        packages: Iterable[Path] = (),
        by: SigningKey = key,
    ) -> Path:
        tree = tmp_path / name
        publishing.pull(store.bucket, tree)
        repository.add(tree, [*(rpms[version] for version in versions), *packages], by)
        return tree

    return make


@pytest.fixture(scope="session")
def successor(key: SigningKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    """The key that replaces the present one, which is published beside it."""
    file = rpm_samples.make_key(tmp_path_factory.mktemp("successor"))
    with file.open("a") as target:
        target.write(key.public())
    with rpm_samples.opened(file) as successor:
        yield successor


def test_a_first_release_is_all_that_dnf_needs(
    store: Store, release: Release, key: SigningKey
) -> None:
    tree = release("1")
    told = push(store, tree)
    assert served(store, key) == ["1-1"]
    assert told == [str(path) for path in repository.publication_order(tree)]
    assert snapshot(store).keys() == set(told)


def test_older_versions_stay_though_the_release_never_had_them(
    store: Store, release: Release, key: SigningKey
) -> None:
    push(store, release("1"))
    before = snapshot(store)
    told = push(store, release("2"))
    assert file("1") not in told
    assert served(store, key) == ["2-1", "1-1"]
    after = snapshot(store)
    assert before.keys() <= after.keys()
    assert after[file("1")] == before[file("1")]


def test_publishing_again_writes_nothing(store: Store, release: Release) -> None:
    tree = release("1")
    push(store, tree)
    before = snapshot(store)
    assert push(store, tree) == []
    assert snapshot(store) == before


def test_a_second_release_from_the_same_tree_needs_no_pull(
    store: Store, release: Release, rpms: dict[str, Path], key: SigningKey
) -> None:
    tree = release("1")
    push(store, tree)
    repository.add(tree, [rpms["2"]], key)
    push(store, tree)
    assert served(store, key) == ["2-1", "1-1"]


def test_a_dry_run_tells_all_and_writes_nothing(store: Store, release: Release) -> None:
    tree = release("1")
    told = push(store, tree, dry_run=True)
    assert snapshot(store) == {}
    assert told == push(store, tree)


def test_files_say_what_they_are_and_how_long_they_hold(store: Store, release: Release) -> None:
    push(store, release("1"))
    told = {}
    for key in snapshot(store):
        head = store.client.head_object(Bucket=store.name, Key=key)
        told[key] = (head["ContentType"], head["CacheControl"])
    for_ever = "public, max-age=31536000, immutable"
    assert told[file("1")] == ("application/x-rpm", for_ever)
    assert {told[key] for key in told if key.endswith(".xml.gz")} == {
        ("application/gzip", for_ever)
    }
    assert told["fedora/x86_64/repodata/repomd.xml"] == ("application/xml", "no-cache")
    assert told["fedora/x86_64/repodata/repomd.xml.asc"][1] == "no-cache"
    assert told["fedora/leger.repo"] == ("text/plain; charset=utf-8", "no-cache")
    assert told["index.html"] == ("text/html; charset=utf-8", "no-cache")


def test_a_published_package_never_gets_another_content(
    store: Store, release: Release, tmp_path: Path
) -> None:
    push(store, release("1"))
    before = snapshot(store)
    again = rpm_samples.build(tmp_path / "built-again", "1", content="something else")
    tree = release(packages=[again])
    with pytest.raises(BuildFailed, match="is published with another content: raise the version"):
        push(store, tree)
    assert snapshot(store) == before


def test_a_tree_that_was_not_pulled_is_refused(
    store: Store, rpms: dict[str, Path], key: SigningKey, tmp_path: Path
) -> None:
    repository.add(tmp_path / "repo", [rpms["1"]], key)
    with pytest.raises(BuildFailed, match="was not pulled: run pull, then make repo"):
        push(store, tmp_path / "repo")
    assert snapshot(store) == {}


def test_a_pull_makes_a_repository_anew_and_leaves_what_else_is_there(
    store: Store, release: Release, tmp_path: Path
) -> None:
    tree = release("1")
    (tree / "notes.txt").write_text("not ours")
    (tree / f"{repository.SCRATCH}killed").mkdir()
    publishing.pull(store.bucket, tree)
    assert {path.name for path in tree.iterdir()} == {"published.json", "fedora", "notes.txt"}
    assert [path for path in (tree / "fedora").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("file", ["notes.txt", "src/main.c", "fedora/releases/43/x86_64.iso"])
def test_a_pull_into_a_directory_of_something_else_removes_nothing(
    store: Store, tmp_path: Path, file: str
) -> None:
    kept = tmp_path / "home" / file
    kept.parent.mkdir(parents=True)
    kept.write_text("not ours")
    with pytest.raises(BuildFailed, match="holds something else than a repository"):
        publishing.pull(store.bucket, tmp_path / "home")
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == [kept]


def test_a_pull_over_a_file_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not ours")
    with pytest.raises(BuildFailed, match="holds something else than a repository"):
        publishing.pull(store.bucket, tmp_path / "file")


def test_what_a_throw_away_key_signed_is_published_only_when_that_is_asked_for(
    store: Store, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "THROW_AWAY", tmp_path / "throw-away.asc")
    with signing.signing_key({}) as key:
        tree = release("1", by=key)
        refused = pushing(store, tree)
        _, said = refused.communicate(timeout=30)
        assert refused.returncode == 1
        assert "was signed by a throw-away key: set LEGER_SIGNING_KEY" in said
        assert snapshot(store) == {}
        allowed = pushing(store, tree, "--throw-away-key")
        _, said = allowed.communicate(timeout=30)
        assert allowed.returncode == 0, said
        assert served(store, key) == ["1-1"]
    assert "not-for-release" not in snapshot(store)
    publishing.pull(store.bucket, tree)
    assert not (tree / "not-for-release").exists()


def test_metadata_of_a_package_that_is_nowhere_is_refused(store: Store, release: Release) -> None:
    tree = release("1")
    (tree / file("1")).unlink()
    with pytest.raises(BuildFailed, match="in the metadata, and neither here nor published"):
        push(store, tree)
    assert snapshot(store) == {}


def test_a_package_that_somebody_put_into_the_bucket_is_not_signed(
    store: Store, release: Release, key: SigningKey
) -> None:
    push(store, release("1"))
    (store.objects / file("9")).write_bytes(b"not ours")
    push(store, release("2"))
    assert served(store, key) == ["2-1", "1-1"]


def test_metadata_that_somebody_changed_in_the_bucket_is_not_signed(
    store: Store, release: Release
) -> None:
    push(store, release("1"))
    repomd = store.objects / repository.REPOMD
    repomd.write_bytes(repomd.read_bytes() + b"\n")
    with pytest.raises(BuildFailed, match="it is not there"):
        release("2")


def test_of_two_who_publish_one_after_the_other_the_second_is_refused(
    store: Store, release: Release, key: SigningKey
) -> None:
    first, second = release("1", name="first"), release("2", name="second")
    push(store, first)
    before = snapshot(store)
    with pytest.raises(BuildFailed, match="somebody else has published since"):
        push(store, second)
    assert snapshot(store) == before
    push(store, release("2", name="second"))
    assert served(store, key) == ["2-1", "1-1"]


def test_of_two_who_publish_at_once_one_is_refused_and_nothing_is_lost(
    store: Store, release: Release, key: SigningKey
) -> None:
    push(store, release("1"))
    # Both have compared what is published before either replaces it.
    slow, fast = release("2", name="slow"), release("3", name="fast")
    store.gate.hold(store.path(repository.SIGNATURE))
    process = pushing(store, slow)
    assert store.gate.reached.wait(30)
    store.gate.pass_new()
    push(store, fast)
    store.gate.release()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.strip() == publish_files.RACED
    assert served(store, key) == ["3-1", "1-1"]
    push(store, release("2", name="slow"))
    assert served(store, key) == ["3-1", "2-1", "1-1"]


@pytest.mark.parametrize(
    ("who", "at"),
    [
        ("the winner", file("2")),
        ("the loser", file("2")),
        ("the loser", str(repository.SIGNATURE)),
        ("the loser", str(repository.KEYS)),
        ("the loser", str(repository.REPOMD)),
    ],
)
def test_of_two_with_other_keys_the_winners_keys_and_metadata_stay(
    store: Store, release: Release, key: SigningKey, successor: SigningKey, who: str, at: str
) -> None:
    push(store, release("1"))
    slower, faster = (successor, key) if who == "the loser" else (key, successor)
    slow = release("2", name="slow", by=slower)
    store.gate.hold(store.path(at))
    process = pushing(store, slow)
    assert store.gate.reached.wait(30)
    # A publisher that has seen whatever the slow one has written by now, and so replaces that.
    fast = release("3", name="fast", by=faster)
    store.gate.pass_new()
    push(store, fast)
    store.gate.release()
    _, said = process.communicate(timeout=30)
    assert said.strip() == publish_files.RACED
    assert (store.objects / repository.KEYS).read_text() == faster.public()
    assert served(store, faster) == ["3-1", "1-1"]


def test_who_loses_after_the_signature_puts_signature_and_keys_back(
    store: Store, release: Release, successor: SigningKey
) -> None:
    push(store, release("1"))
    before = snapshot(store)
    slow = release("2", name="slow", by=successor)
    store.gate.hold(store.path(repository.REPOMD))
    process = pushing(store, slow)
    assert store.gate.reached.wait(30)
    assert (store.objects / repository.KEYS).read_text() == successor.public()
    store.gate.pass_new()
    store.client.put_object(Bucket=store.name, Key=str(repository.REPOMD), Body=b"<repomd/>")
    store.gate.release()
    process.communicate(timeout=30)
    assert process.returncode == 1
    after = snapshot(store)
    for path in (repository.SIGNATURE, repository.KEYS, repository.SOURCE):
        assert after[str(path)] == before[str(path)]


@pytest.mark.parametrize("at", [file("2"), "index.html", str(repository.SIGNATURE)])
def test_a_kill_leaves_a_repository_that_is_valid(
    store: Store, release: Release, key: SigningKey, at: str
) -> None:
    push(store, release("1"))
    tree = release("2")
    store.gate.hold(store.path(at))
    process = pushing(store, tree)
    assert store.gate.reached.wait(30)
    process.kill()
    process.communicate()
    assert served(store, key) == (["2-1", "1-1"] if at == "index.html" else ["1-1"])
    store.gate.release()
    push(store, tree)
    assert served(store, key) == ["2-1", "1-1"]


@pytest.mark.parametrize("who", ["the same", "another"])
def test_a_kill_between_signature_and_metadata_is_mended_by_the_next_push(
    store: Store, release: Release, key: SigningKey, who: str
) -> None:
    push(store, release("1"))
    tree = release("2")
    store.gate.hold(store.path(repository.REPOMD))
    process = pushing(store, tree)
    assert store.gate.reached.wait(30)
    process.kill()
    process.communicate()
    with pytest.raises(BuildFailed):  # the window that two objects have
        served(store, key)
    store.gate.pass_new()
    push(store, tree if who == "the same" else release("2", name="another"))
    assert served(store, key) == ["2-1", "1-1"]


def test_a_stop_waits_until_the_metadata_is_that_of_its_signature(
    store: Store, release: Release, key: SigningKey
) -> None:
    push(store, release("1"))
    store.gate.hold(store.path(repository.REPOMD))
    process = pushing(store, release("2"))
    assert store.gate.reached.wait(30)
    process.send_signal(signal.SIGTERM)
    store.gate.release()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert served(store, key) == ["2-1", "1-1"]


def test_a_write_whose_answer_was_lost_is_not_taken_for_somebody_elses(
    store: Store, release: Release, key: SigningKey
) -> None:
    push(store, release("1"))
    tree = release("2")
    store.gate.cut(store.path(repository.REPOMD))
    publisher = threading.Thread(target=push, args=(store, tree))
    publisher.start()
    assert store.gate.reached.wait(30)
    store.gate.pass_new()
    publisher.join(30)
    assert served(store, key) == ["2-1", "1-1"]


@pytest.mark.parametrize(
    ("address", "words"),
    [(None, "AWS_ENDPOINT_URL is not set"), ("nonsense", "Invalid endpoint: nonsense")],
)
def test_a_service_that_is_not_named_is_said_so(
    address: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(BuildFailed, match=words):
        connect()


def test_a_service_that_refuses_is_told_in_one_line_without_credentials(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-canary")
    with pytest.raises(BuildFailed) as refused:
        publishing.pull(S3Bucket(store.name, connect()), tmp_path / "repo")
    assert "\n" not in str(refused.value)
    assert "wrong-canary" not in str(refused.value)
