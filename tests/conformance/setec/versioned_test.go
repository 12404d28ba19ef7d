package conformance

import (
	"testing"

	"github.com/tailscale/setec/client/setec"
	"github.com/tailscale/setec/types/api"
)

func TestVersionedSecretKeepsSeveralVersions(t *testing.T) {
	old, name := absent(t, "versioned/old"), absent(t, "versioned/keys")
	ctx, client, schedule := t.Context(), admin(t), newTicker()
	succeeds(t, client.CreateVersion(ctx, old, 2, []byte("blue")))
	cache := setec.NewMemCache(
		`{"versioned/old":{"secret":{"Value":"Ymx1ZQ==","Version":2},"lastAccess":"0"}}`)
	store := newStore(t, setec.StoreConfig{
		Secrets: []string{old}, AllowLookup: true, Cache: cache, PollTicker: schedule,
	})
	wantSecret(t, store, old, "blue")
	keys := store.VersionedSecret(name)
	wantKey := func(version api.SecretVersion, want string) {
		t.Helper()
		if got, err := keys.GetVersion(ctx, version); err != nil || string(got) != want {
			t.Errorf("GetVersion %d: got (%q, %v), want %q", version, got, err, want)
		}
	}

	if err := keys.CreateVersion(ctx, 0, []byte("red")); err == nil {
		t.Error("CreateVersion 0: no error")
	}
	succeeds(t, keys.CreateVersion(ctx, 1, []byte("red")))
	wantKey(1, "red")
	active := wantSecret(t, store, name, "red")
	succeeds(t, keys.CreateVersion(ctx, 2, []byte("green")))
	failsWith(t, keys.CreateVersion(ctx, 2, []byte("orange")), api.ErrVersionClaimed)
	wantKey(2, "green")
	wantKey(1, "red")
	wantSecret(t, store, name, "green")

	// What others do on the server shows at the next poll.
	succeeds(t, client.Activate(ctx, name, 1))
	schedule.poll()
	if got := active.GetString(); got != "red" {
		t.Errorf("after an activation: got %q, want red", got)
	}
	succeeds(t, client.DeleteVersion(ctx, name, 2))
	schedule.poll()
	_, err := keys.GetVersion(ctx, 2)
	failsWith(t, err, api.ErrNotFound)
	succeeds(t, client.CreateVersion(ctx, name, 3, []byte("lime")))
	schedule.poll()
	wantKey(3, "lime")
	wantSecret(t, store, name, "lime")
}

func TestVersionedSecretsReadVersionsThatOthersMade(t *testing.T) {
	name := stored(t, "versioned/others", "one", "two")
	store := newStore(t, setec.StoreConfig{AllowLookup: true})
	keys := store.VersionedSecret(name)
	for version, want := range map[api.SecretVersion]string{1: "one", 2: "two"} {
		if got, err := keys.GetVersion(t.Context(), version); err != nil || string(got) != want {
			t.Errorf("GetVersion %d: got (%q, %v), want %q", version, got, err, want)
		}
	}
	_, err := keys.GetVersion(t.Context(), 3)
	failsWith(t, err, api.ErrNotFound)
}
