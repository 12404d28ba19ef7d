package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tailscale/setec/acl"
	"github.com/tailscale/setec/types/api"

	"leger/conformance/setec/upstream"
)

// started is a running server of setec's own.
type started struct {
	url, token string
	// open is how long its process took to its first answer.
	open time.Duration
	stop func()
}

// startUpstream starts setec's server, with its state in a new directory that has this many
// secrets, in another process: as one program, client and server would share their scheduler and
// their garbage collector.
func startUpstream(ctx context.Context, secrets int) (started, error) {
	state, err := os.MkdirTemp("", "bench-setec-")
	if err != nil {
		return started{}, err
	}
	if err := seed(state, secrets); err != nil {
		os.RemoveAll(state)
		return started{}, fmt.Errorf("seed the database: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(tokenFile(state), []byte(token), 0o600); err != nil {
		os.RemoveAll(state)
		return started{}, err
	}
	began := time.Now()
	process, address, err := startProcess(state)
	if err != nil {
		os.RemoveAll(state)
		return started{}, err
	}
	stop := func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		os.RemoveAll(state)
	}
	server := started{url: "http://" + address, token: token, stop: stop}
	client := clientOf(server.url, token)
	// The connection waits in the socket until the server takes it.
	_, err = client.Info(ctx, "bench/none")
	server.open = time.Since(began)
	if !errors.Is(err, api.ErrNotFound) {
		stop()
		return started{}, fmt.Errorf("the server's first answer: %v", err)
	}
	if found, err := client.List(ctx); err != nil || len(found) != secrets {
		stop()
		return started{}, fmt.Errorf("the server has %d secrets, and says: %v", len(found), err)
	}
	return server, nil
}

// startProcess starts this program as the server and returns its address.
func startProcess(state string) (*exec.Cmd, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	defer listener.Close()
	passed, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, "", err
	}
	defer passed.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	process := exec.Command(self, serveArgument, state)
	process.Stderr = os.Stderr
	process.ExtraFiles = []*os.File{passed} // descriptor 3, as upstream.Serve expects
	return process, listener.Addr().String(), process.Start()
}

// serve is what the process that is the server does.
func serve(ctx context.Context, state string) error {
	token, err := os.ReadFile(tokenFile(state))
	if err != nil {
		return err
	}
	everything := acl.Rule{
		Action: []acl.Action{acl.ActionGet, acl.ActionInfo, acl.ActionPut},
		Secret: []acl.Secret{"*"},
	}
	return upstream.Serve(ctx, state, map[string]upstream.Principal{
		"bench": {Token: string(token), Grants: []acl.Rule{everything}},
	})
}

func tokenFile(state string) string {
	return filepath.Join(state, "token")
}
