package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheDocumentedProgramWorks(t *testing.T) {
	stored(t, "web/db-password", "correct horse battery staple")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(tokenOf(t, "admin")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command("go", "run", "./cmd/example")
	program.Env = append(os.Environ(), "SETEC_SERVER="+target.Server, "LEGER_TOKEN_FILE="+file)
	const want = "The password has 28 bytes.\n"
	if got, err := program.Output(); err != nil || string(got) != want {
		t.Errorf("got (%q, %v), want %q", got, err, want)
	}
}
