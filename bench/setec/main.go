// Program setec measures a server of setec's API by setec's own client.
//
//	setec [-stored N]
//	    starts setec's own server, with its database and audit log in a new directory that already
//	    has N secrets (10,000 unless said otherwise), measures it, and takes all away again.
//	setec -server URL -token FILE
//	    measures a server that runs, such as leger's HTTP API. FILE has the bearer token of a caller
//	    who may get and put `bench/*`. What else is stored there is not touched, and the secrets
//	    that the program puts are not taken away.
//
// `go run` it in this directory. It prints one JSON object:
//
//	{
//	  "server": "setec" or the URL,
//	  "stored": secrets there before the measurement, 0 when that is not known,
//	  "open_ms": one start of the server until its first answer, 0 when it ran before,
//	  "put_ms": median of a put of a new value,
//	  "get_ms": median of a get,
//	  "unit_ms": median of getting the 20 secrets of a unit one after the other,
//	  "gets_per_second": gets by 32 callers at once
//	}
//
// setec's server is its real one, its database encrypted as always and its audit log synced to the
// disk for each request; only whois is answered from memory. It runs in a process of its own.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/tailscale/setec/client/setec"
)

// serveArgument makes this program the server of its own measurement.
const serveArgument = "serve"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "setec:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) == 2 && arguments[0] == serveArgument {
		return serve(ctx, arguments[1])
	}
	flags := flag.NewFlagSet("setec", flag.ExitOnError)
	stored := flags.Int("stored", 10_000, "how many secrets setec's own server has")
	server := flags.String("server", "", "URL of a running server to measure instead")
	tokenFile := flags.String("token", "", "file with the bearer token for it")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var result report
	var err error
	if *server != "" {
		result, err = measureRunning(ctx, *server, *tokenFile)
	} else {
		result, err = measureUpstream(ctx, *stored)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func measureRunning(ctx context.Context, server, tokenFile string) (report, error) {
	text, err := os.ReadFile(tokenFile)
	if err != nil {
		return report{}, err
	}
	result, err := measure(ctx, clientOf(server, strings.TrimSpace(string(text))))
	result.Server = server
	return result, err
}

func measureUpstream(ctx context.Context, stored int) (report, error) {
	started, err := startUpstream(ctx, stored)
	if err != nil {
		return report{}, err
	}
	defer started.stop()
	result, err := measure(ctx, clientOf(started.url, started.token))
	result.Server, result.Stored, result.OpenMs = "setec", stored, milliseconds(started.open)
	return result, err
}

// clientOf returns setec's client with a token, and with as many connections as there are callers:
// the default of two would measure connecting.
func clientOf(server, token string) setec.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	return setec.Client{
		Server: server,
		DoHTTP: func(request *http.Request) (*http.Response, error) {
			request.Header.Set("Authorization", "Bearer "+token)
			return transport.RoundTrip(request)
		},
	}
}
