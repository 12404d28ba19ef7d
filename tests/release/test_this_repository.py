"""The release that this repository's own history makes, and what its files say of versions."""

import json
import re
from pathlib import Path

import pytest
from release.clone import ROOT, Clone
from release.configuration import (
    CONFIGURATION,
    MANIFEST,
    configuration,
    released_types,
    types,
    versioned_files,
)

Version = tuple[int, ...]
MARK = "x-release-please-version"
NONE_YET = "0.0.0"  # what the manifest tells before the first release, as release-please reads it
# The schema that comes with release-please, which itself passes over what it does not know.
SCHEMA = ROOT / "build/release-please/node_modules/release-please/schemas/config.json"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """This repository, for tests that only read it."""
    return being_released(Clone.of_this_repository(tmp_path_factory.mktemp("clone")))


def being_released(clone: Clone) -> Clone:
    """Tag what is only about to be: a release's commit is tested before it has its tag."""
    version = clone.manifest()
    if version != NONE_YET and not clone.git("tag", "--list", f"v{version}"):
        clone.git("tag", f"v{version}")
    return clone


def numbers(version: str) -> Version:
    return tuple(int(number) for number in version.removeprefix("v").split("."))


def expected(last: Version, messages: list[str]) -> Version | None:
    """Return the version that these commits make, as CONTRIBUTING.md tells, or None for none."""
    whole = "\n\n".join(messages)
    if decided := re.search(r"^Release-As: (\S+)", whole, re.MULTILINE):
        return numbers(decided[1])
    heads = re.findall(r"(?:\A|\n\n)(\w+)(?:\([^)]*\))?(!?): ", whole)
    kinds = {kind for kind, _ in heads}
    broken = any(mark for _, mark in heads) or re.search(r"^BREAKING[ -]CHANGE: ", whole, re.M)
    if not broken and not kinds & released_types():
        return None
    major, minor, patch = last
    if broken and major:
        return (major + 1, 0, 0)
    return (major, minor + 1, 0) if broken or "feat" in kinds else (major, minor, patch + 1)


def test_every_commit_has_a_conventional_title(clone: Clone) -> None:
    title = re.compile(rf"({'|'.join(types())})(\([a-z0-9,-]+\))?!?: \S.*")
    titles = clone.git("log", "--no-merges", "--format=%s").splitlines()
    assert [said for said in titles if not title.fullmatch(said)] == []


def test_the_next_version_follows_from_this_history(clone: Clone) -> None:
    last = clone.last_release()
    log = clone.git("log", "--format=%B%x00", f"{last}..HEAD" if last else "HEAD")
    messages = [message.strip() for message in log.split("\0")]
    following = expected(numbers(last), messages) if last else (0, 1, 0)
    proposal = clone.proposed()
    assert (numbers(proposal.version) if proposal else None) == following


def test_a_release_writes_its_version_wherever_there_is_one(tmp_path: Path) -> None:
    clone = being_released(Clone.of_this_repository(tmp_path))
    first = clone.proposed()
    if first:
        clone.release(first)
    before = clone.version()
    clone.commit("feat: something new")
    proposal = clone.proposed()
    assert proposal
    assert set(proposal.files) == {*versioned_files(), MANIFEST, "CHANGELOG.md"}
    for name, content in proposal.files.items():
        assert proposal.version in content, name
        assert f'"{before}"' not in content, name
    clone.release(proposal)
    assert clone.version() == proposal.version
    assert clone.proposed() is None


def test_all_files_agree_on_the_version(clone: Clone) -> None:
    version = clone.version()
    for name in versioned_files():
        assert f'"{version}"' in (clone.directory / name).read_text("utf-8"), name
    assert clone.manifest() in {version, NONE_YET}


def test_every_file_that_marks_the_version_is_in_the_configuration(clone: Clone) -> None:
    elsewhere = (":!tests/release", ":!*.md")
    marked = clone.git("grep", "--files-with-matches", f"# {MARK}", "--", *elsewhere)
    assert set(marked.splitlines()) <= set(versioned_files())


def test_every_option_is_one_that_release_please_has() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    package = schema["definitions"]["ReleaserConfigOptions"]["properties"]
    told = configuration()
    assert set(told) <= set(schema["properties"]), CONFIGURATION
    assert all(set(options) <= set(package) for options in told["packages"].values())
