"""The workflows agree with one another, and with what decides the next version."""

import re
from collections import defaultdict

import yaml
from release.clone import ROOT
from release.configuration import types

WORKFLOWS = {path.name: path.read_text("utf-8") for path in ROOT.glob(".github/workflows/*.yml")}


def test_a_pull_requests_title_may_have_the_types_that_a_commits_may() -> None:
    (step,) = yaml.safe_load(WORKFLOWS["semantic-pr.yml"])["jobs"]["title"]["steps"]
    assert step["with"]["types"].split() == types()


def test_an_action_is_the_same_commit_wherever_it_is_used() -> None:
    pins = defaultdict(set)
    for text in WORKFLOWS.values():
        for action, commit, version in re.findall(r"uses: (\S+)@(\S+)(.*)", text):
            assert re.fullmatch(r"[0-9a-f]{40}", commit), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", version), action
            pins[action].add((commit, version))
    assert pins
    assert {action: pinned for action, pinned in pins.items() if len(pinned) > 1} == {}


def test_all_jobs_run_in_the_same_debian() -> None:
    images = {image for text in WORKFLOWS.values() for image in re.findall(r"image: (.*)", text)}
    assert len(images) == 1


def test_git_trusts_the_checkout_in_every_container() -> None:
    trusting = 'git config --global --add safe.directory "$GITHUB_WORKSPACE"'
    jobs = [
        [step.get("run") or step["uses"] for step in job["steps"]]
        for text in WORKFLOWS.values()
        for job in yaml.safe_load(text)["jobs"].values()
        if "container" in job
    ]
    assert jobs
    for steps in jobs:
        # The checkout is made by the runner's user; a container's is root.
        assert [step for step in steps if step == trusting] == [trusting]


def test_nothing_is_installed_while_the_signing_key_can_be_read() -> None:
    steps = yaml.safe_load(WORKFLOWS["release.yml"])["jobs"]["sign"]["steps"]
    (signing,) = [i for i, step in enumerate(steps) if "LEGER_SIGNING_KEY" in step.get("env", {})]
    assert "make .venv/.ready host-tools" in [step.get("run") for step in steps[:signing]]


def test_a_release_starts_only_workflows_that_can_be_started() -> None:
    started = set(re.findall(r"gh workflow run (\S+)", WORKFLOWS["release-please.yml"]))
    assert started == {"ci.yml", "release.yml", "semantic-pr.yml"}
    for name in started:
        # YAML 1.1 reads `on` as true.
        assert "workflow_dispatch" in yaml.safe_load(WORKFLOWS[name])[True]
