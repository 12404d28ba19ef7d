// Program example follows a secret of leger's by setec's client.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tailscale/setec/client/setec"
)

func main() {
	token, err := os.ReadFile(os.Getenv("LEGER_TOKEN_FILE")) // as `leger auth token` printed it
	if err != nil {
		log.Fatal(err)
	}
	client := setec.Client{
		Server: os.Getenv("SETEC_SERVER"), // http://127.0.0.1:8080
		DoHTTP: func(request *http.Request) (*http.Response, error) {
			request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
			return http.DefaultClient.Do(request)
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	store, err := setec.NewStore(ctx, setec.StoreConfig{
		Client:       client,
		Secrets:      []string{"web/db-password"},
		PollInterval: 5 * time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	password := store.Secret("web/db-password") // a function: it always has the active value
	fmt.Println("The password has", len(password.Get()), "bytes.")
}
