package conformance

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/tailscale/setec/client/setec"
	"github.com/tailscale/setec/types/api"
)

// target is the server under test, as the launcher describes it.
var target struct {
	// Kind is "setec" or "leger".
	Kind string `json:"kind"`
	// Server is the base URL of the API.
	Server string `json:"server"`
	// Tokens are by principal; principals.json says what each may do.
	Tokens map[string]string `json:"tokens"`
	// Restarts is a Unix socket: a connection restarts the server and reads a line when it is done.
	Restarts string `json:"restarts"`
}

// targetFile names the environment variable that names the file that describes the target.
const targetFile = "CONFORMANCE_TARGET"

func TestMain(m *testing.M) {
	if err := loadTarget(os.Getenv(targetFile)); err != nil {
		fmt.Fprintf(os.Stderr, "no server to test: %v (it is started by `make conformance`)\n", err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func loadTarget(path string) error {
	if path == "" {
		return errors.New(targetFile + " is not set")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &target)
}

// deviation returns what the server under test should do where leger does not follow setec:
// because answers why, in the words of docs/reference/setec-compatibility.md.
func deviation[T any](t *testing.T, because string, upstream, leger T) T {
	t.Helper()
	if target.Kind == "setec" {
		return upstream
	}
	t.Logf("leger differs: %s", because)
	return leger
}

// transport is that of all tests. It asks for no compression, so that bodies are as sent.
var transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}

// tokenOf returns what the principal shows.
func tokenOf(t *testing.T, principal string) string {
	t.Helper()
	shown, known := target.Tokens[principal]
	if !known {
		t.Fatalf("the launcher gave no token for the principal %q", principal)
	}
	return shown
}

// bearer authorizes requests as a program would that points setec's client to leger.
type bearer struct {
	token string
}

// Do sends the request with the token.
func (b bearer) Do(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+b.token)
	return transport.RoundTrip(request)
}

// clientOf returns setec's own client, acting as the principal.
func clientOf(t *testing.T, principal string) setec.Client {
	t.Helper()
	return setec.Client{Server: target.Server, DoHTTP: bearer{tokenOf(t, principal)}.Do}
}

// admin returns setec's client acting as the one who may do everything.
func admin(t *testing.T) setec.Client {
	t.Helper()
	return clientOf(t, "admin")
}

// absent returns the name after seeing to it that no secret has it, now and after the test.
func absent(t *testing.T, name string) string {
	t.Helper()
	remove := func() {
		// The test's own context has ended by the time of its cleanup.
		if got := send(t, request{path: "/api/delete", body: object("Name", name)}); got != empty {
			t.Errorf("Delete %q: got %+v", name, got)
		}
	}
	remove()
	t.Cleanup(remove)
	return name
}

// stored returns the name of a secret of this test alone that has these values as versions 1, 2, …
// the first being active.
func stored(t *testing.T, name string, values ...string) string {
	t.Helper()
	name = absent(t, name)
	for number, value := range values {
		version, err := admin(t).Put(t.Context(), name, []byte(value))
		if err != nil || version != api.SecretVersion(number+1) {
			t.Fatalf("Put %q: got (%v, %v), want version %d", name, version, err, number+1)
		}
	}
	return name
}

// restartServer stops the server under test and starts it again, with its state.
func restartServer(t *testing.T) {
	t.Helper()
	control, err := net.Dial("unix", target.Restarts)
	if err != nil {
		t.Fatalf("Ask for a restart: %v", err)
	}
	defer control.Close()
	if _, err := bufio.NewReader(control).ReadString('\n'); err != nil {
		t.Fatalf("The server did not come back: %v", err)
	}
	// The old process's connections are dead, and a POST is not sent twice.
	transport.CloseIdleConnections()
}
