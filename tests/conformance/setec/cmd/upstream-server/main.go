// Program upstream-server serves setec's own API for the conformance suite.
//
// It takes over one listening socket as systemd passes it (descriptor 3), prints nothing, and ends
// on SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"leger/conformance/setec/upstream"
)

func main() {
	state := flag.String("state", "", "directory of the database and the audit log")
	principals := flag.String("principals", "", "JSON file: principal's name to its token and grants")
	flag.Parse()
	if err := serve(*state, *principals); err != nil {
		fmt.Fprintln(os.Stderr, "upstream-server:", err)
		os.Exit(1)
	}
}

func serve(state, principalsFile string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	text, err := os.ReadFile(principalsFile)
	if err != nil {
		return err
	}
	var principals map[string]upstream.Principal
	if err := json.Unmarshal(text, &principals); err != nil {
		return fmt.Errorf("%s: %w", principalsFile, err)
	}
	return upstream.Serve(ctx, state, principals)
}
