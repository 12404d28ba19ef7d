"""services/secrets/setec-upstream: reading setec's versions and source."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "services/secrets/setec-upstream"

OLD = "v0.0.0-20260115174028-19d190c5556d"
NEW = "v0.0.0-20260310221408-dcd97e42f251"

GO_FILE = """// Package server is an example.
package server

const (
	// ACLCap is commented.
	ACLCap = "cap"
	hidden = 1
)

var ErrNone = errors.New("none")

type Config struct {
	// DB is a field.
	DB   *db.DB
	Name string `json:"name,omitempty"` // of the server
	mux  *http.ServeMux
}

type internal struct {
	Exported int
}

type Updater[T any] struct {
	Value T
}

func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Mux.HandleFunc("/api/list", ret.list)
	cfg.Mux.Handle("/static/", http.FileServer(nil))
	const Inner = 1
	return nil, nil
}

func (s *Server) Metrics() {}
func (u *Updater[T]) Get() T {}
func (k *kv) Exported() {}
func unexported() {}
"""

TEST_FILE = """package server_test

func TestNew(t *testing.T) {
	t.Run("NoDB", func(t *testing.T) {
		t.Run("deeper", check)
	})
	t.Run(name, check)
}

func helper(t *testing.T) {}

func TestOther(t *testing.T) {
	t.Run("one", check)
}
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module: it has no suffix by which Python would find it."""
    loader = importlib.machinery.SourceFileLoader("setec_upstream", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # where dataclasses look up their own module
    loader.exec_module(module)
    return module


def test_the_pinned_version_is_read_from_a_go_mod(script: ModuleType) -> None:
    block = f"module x\n\nrequire (\n\tgithub.com/other/setec v1.0.0\n\t{script.MODULE} {OLD}\n)\n"
    assert script.pinned_in(block) == OLD
    assert script.pinned_in(f"require {script.MODULE} {NEW} // indirect\n") == NEW
    with pytest.raises(script.CannotTell):
        script.pinned_in("module x\n")


def test_the_suite_and_the_benchmark_pin_the_same_version(script: ModuleType) -> None:
    assert len({script.pinned_in(path.read_text()) for path in script.PINS}) == 1


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [
        (NEW, OLD, True),
        (OLD, NEW, False),
        (OLD, OLD, False),
        ("v0.1.0", NEW, True),
        (NEW, "v0.1.0", False),
        ("v0.10.0", "v0.9.0", True),
        ("v0.1.1-0.20270101000000-0123456789ab", NEW, True),
    ],
)
def test_a_later_commit_or_a_release_is_newer(
    script: ModuleType, version: str, than: str, newer: bool
) -> None:
    assert script.is_newer(version, than=than) is newer


def test_exported_names_and_fields_are_found(script: ModuleType) -> None:
    assert set(script.exported_by(GO_FILE)) == {
        "ACLCap",
        "ErrNone",
        "Config",
        "Config.DB *db.DB",
        'Config.Name string `json:"name,omitempty"`',
        "Updater",
        "Updater.Value T",
        "Updater.Get",
        "New",
        "Server.Metrics",
    }


def test_http_paths_are_found(script: ModuleType) -> None:
    assert script.paths_of(GO_FILE) == {"/api/list", "/static/"}


def test_tests_and_their_literal_subtests_are_found(script: ModuleType) -> None:
    assert list(script.tests_of(TEST_FILE)) == [
        "TestNew",
        "TestNew/NoDB",
        "TestNew/deeper",
        "TestOther",
        "TestOther/one",
    ]


def test_changes_name_what_came_and_went_and_differs(script: ModuleType) -> None:
    old, new = script.Surface(), script.Surface()
    old.add("server", "server.go", GO_FILE)
    old.add("server", "gone.go", "package server\n")
    new.add("server", "server.go", GO_FILE.replace("/api/list", "/api/history"))
    new.add("server", "server_test.go", TEST_FILE)
    assert script.changes(old, new) == [
        "- HTTP path /api/list",
        "+ HTTP path /api/history",
        "+ test server.TestNew",
        "+ test server.TestNew/NoDB",
        "+ test server.TestNew/deeper",
        "+ test server.TestOther",
        "+ test server.TestOther/one",
        "- file server/gone.go",
        "+ file server/server_test.go",
        "~ file server/server.go",
    ]


def test_another_comment_is_no_change(script: ModuleType) -> None:
    old, new = script.Surface(), script.Surface()
    old.add("server", "server.go", GO_FILE)
    new.add("server", "server.go", GO_FILE.replace("is an example", "is documented anew"))
    assert script.changes(old, new) == []
