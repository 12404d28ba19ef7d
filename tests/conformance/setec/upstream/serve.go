package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
)

const firstPassedSocket = 3 // sd_listen_fds(3), SD_LISTEN_FDS_START

// Serve serves the state in dir on the one listening socket that this process was passed, as
// systemd passes it, until ctx ends and what is being answered is answered.
func Serve(ctx context.Context, dir string, principals map[string]Principal) error {
	handler, err := Handler(ctx, dir, principals)
	if err != nil {
		return err
	}
	listener, err := net.FileListener(os.NewFile(firstPassedSocket, "listener"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drained <- server.Shutdown(context.Background())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}
