package conformance

import (
	"fmt"
	"testing"

	"github.com/tailscale/setec/client/setec"
	"github.com/tailscale/setec/types/api"
)

func TestStateOutlivesARestart(t *testing.T) {
	name, ctx, client := absent(t, "listed/restart"), t.Context(), admin(t)
	for i := range 5 {
		putWants(t, name, fmt.Sprint("value ", i), api.SecretVersion(i+1))
	}
	succeeds(t, client.Activate(ctx, name, 3))
	succeeds(t, client.DeleteVersion(ctx, name, 5))
	list := request{as: "lister", path: "/api/list", body: "{}"}
	before := send(t, list)
	restartServer(t)
	wants(t, list, before)
	wantInfo(t, name, 3, 1, 2, 3, 4)
	for i := range 4 {
		wantValue(t, client, name, api.SecretVersion(i+1), fmt.Sprint("value ", i))
	}
	wantValue(t, client, name, 0, "value 2")
	// Deleted numbers are remembered, too.
	failsWith(t, client.CreateVersion(ctx, name, 5, nil), api.ErrVersionClaimed)
	putWants(t, name, "value 4", 6)
}

func TestAStoreOutlivesARestart(t *testing.T) {
	name, schedule := stored(t, "restart/store", "one", "two"), newTicker()
	store := newStore(t, setec.StoreConfig{Secrets: []string{name}, PollTicker: schedule})
	restartServer(t)
	schedule.poll()
	wantSecret(t, store, name, "one")
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	schedule.poll()
	wantSecret(t, store, name, "two")
}
