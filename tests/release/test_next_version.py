"""Which version comes next: release-please's own code, on this configuration."""

from pathlib import Path

from release.clone import ROOT, Clone, proposed
from release.configuration import CONFIGURATION, MANIFEST, versioned_files


def released(directory: Path, version: str) -> Clone:
    """Return a repository with this one's configuration, whose last release is `version`."""
    clone = Clone.empty(directory)
    clone.write({name: (ROOT / name).read_text("utf-8") for name in versioned_files()})
    clone.write({CONFIGURATION: (ROOT / CONFIGURATION).read_text("utf-8")})
    clone.write({MANIFEST: f'{{".": "{version}"}}\n'})
    clone.commit(f"chore(main): release {version}")
    clone.git("tag", f"v{version}")
    return clone


CASES = [
    ("0.1.0", ["fix(cli): a", "docs: b"], "0.1.1"),
    ("0.1.1", ["perf(secrets): a"], "0.1.2"),
    ("0.1.1", ["fix: a", "feat(deployer): b", "fix: c"], "0.2.0"),
    # Before 1.0.0 nothing is promised, so that a break is no leap to it.
    ("0.2.3", ["feat(proto)!: a", "fix: b"], "0.3.0"),
    ("0.2.3", ["fix: a\n\nBREAKING CHANGE: what was b is c."], "0.3.0"),
    ("0.9.0", ["feat: a\n\nRelease-As: 1.0.0"], "1.0.0"),
    ("1.4.2", ["refactor(proto)!: a"], "2.0.0"),
    ("1.4.2", ["feat: a"], "1.5.0"),
    # What no user notices.
    (
        "0.1.0",
        [f"{t}: a" for t in ("docs", "style", "refactor", "test", "build", "ci", "chore")],
        None,
    ),
]


def test_the_next_version_follows_from_the_commits(tmp_path: Path) -> None:
    clones = []
    for number, (last, messages, _) in enumerate(CASES):
        clones.append(released(tmp_path / str(number), last))
        for message in messages:
            clones[-1].commit(message)
    proposals = proposed(clones)
    told = [
        (last, messages, proposal and proposal.version)
        for (last, messages, _), proposal in zip(CASES, proposals, strict=True)
    ]
    assert told == CASES


def test_the_changelog_tells_what_users_notice_and_nothing_else(tmp_path: Path) -> None:
    clone = released(tmp_path, "0.1.0")
    clone.commit("feat(cli): stacks are listed by name")
    clone.commit(
        "fix(secrets)!: a grant names its reader\n\nBREAKING CHANGE: grants are made anew."
    )
    clone.commit("refactor(cli): nobody notices")
    proposal = clone.proposed()
    assert proposal
    assert proposal.title == "chore(main): release 0.2.0"
    for told in (
        "/compare/v0.1.0...v0.2.0",
        "### ⚠ BREAKING CHANGES",
        "grants are made anew.",
        "### Features",
        "* **cli:** stacks are listed by name",
        "### Bug Fixes",
        "* **secrets:** a grant names its reader",
    ):
        assert told in proposal.changelog
    assert "nobody notices" not in proposal.changelog
