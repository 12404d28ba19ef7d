"""docs/reference/setec-compatibility.md says what the suite tests, of the version that it pins."""

import re
from pathlib import Path

from conformance.toolchain import MODULE, ROOT

PAGE = (ROOT / "docs/reference/setec-compatibility.md").read_text()


def declared_in(path: Path) -> set[str]:
    return set(re.findall(r"^func (Test\w+)\(", path.read_text(), re.MULTILINE))


def test_the_program_on_the_page_is_the_one_that_the_suite_runs() -> None:
    (program,) = re.findall(r"```go\n(.*?)```", PAGE, re.DOTALL)
    assert program == (MODULE / "cmd/example/main.go").read_text()


def test_the_version_on_the_page_is_the_pinned_one() -> None:
    pinned = re.search(r"tailscale/setec (v\S+)", (MODULE / "go.mod").read_text())
    assert pinned
    assert set(re.findall(r"v\d+\.\d+\.\d+-\d{14}-[0-9a-f]{12}", PAGE)) == {pinned[1]}


def test_every_deviation_is_on_the_page_and_every_test_on_the_page_exists() -> None:
    named = set(re.findall(r"`(Test\w+)`", PAGE))
    everywhere = set().union(*map(declared_in, MODULE.glob("*_test.go")))
    assert declared_in(MODULE / "deviations_test.go") <= named
    assert named <= everywhere


def test_every_endpoint_of_the_suite_is_on_the_page() -> None:
    endpoints = re.findall(r'"(/api/[a-z-]+)":', (MODULE / "checks_test.go").read_text())
    assert len(endpoints) == 8
    for endpoint in endpoints:
        assert f"| `{endpoint}` |" in PAGE
