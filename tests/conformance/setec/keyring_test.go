package conformance

import (
	"testing"

	"github.com/tailscale/setec/client/setec"
	"github.com/tailscale/setec/types/api"
)

// wantKeys compares the values that a keyring has by version; an empty one is of a version that it
// does not have.
func wantKeys(t *testing.T, keyring *setec.Keyring, want map[api.SecretVersion]string) {
	t.Helper()
	for version, value := range want {
		if got, found := keyring.Get(version); string(got) != value || found != (value != "") {
			t.Errorf("Get %d: got (%q, %v), want %q", version, got, found, value)
		}
	}
}

// wantActive compares the active version that a keyring has.
func wantActive(t *testing.T, keyring *setec.Keyring, version api.SecretVersion, value string) {
	t.Helper()
	if got, key := keyring.Active(); got != version || string(key) != value {
		t.Errorf("Active: got (%d, %q), want (%d, %q)", got, key, version, value)
	}
}

func TestKeyringHasAllVersions(t *testing.T) {
	name, ctx := stored(t, "keyring/apple", "a1", "a2", "a3"), t.Context()
	succeeds(t, admin(t).Activate(ctx, name, 3))
	keyring, err := admin(t).GetKeyring(ctx, name)
	if err != nil {
		t.Fatalf("GetKeyring: %v", err)
	}
	wantActive(t, keyring, 3, "a3")
	wantKeys(t, keyring, map[api.SecretVersion]string{1: "a1", 2: "a2", 3: "a3", 4: "", 999: ""})

	putWants(t, name, "a4", 4)
	wantKeys(t, keyring, map[api.SecretVersion]string{4: ""})
	succeeds(t, keyring.Update(ctx))
	wantKeys(t, keyring, map[api.SecretVersion]string{4: "a4"})
	wantActive(t, keyring, 3, "a3")

	// A key that is deleted on the server can still be needed to decrypt.
	succeeds(t, admin(t).Activate(ctx, name, 4))
	succeeds(t, admin(t).DeleteVersion(ctx, name, 1))
	succeeds(t, keyring.Update(ctx))
	wantActive(t, keyring, 4, "a4")
	wantKeys(t, keyring, map[api.SecretVersion]string{1: "a1", 2: "a2", 3: "a3", 4: "a4"})
}

func TestKeyringNeedsInfoAndGet(t *testing.T) {
	name, ctx := stored(t, "keyring/denied", "value"), t.Context()
	for _, principal := range []string{"only-info", "only-get"} {
		_, err := clientOf(t, principal).GetKeyring(ctx, name)
		failsWith(t, err, api.ErrAccessDenied)
	}
	_, err := admin(t).GetKeyring(ctx, "keyring/nonesuch")
	failsWith(t, err, api.ErrNotFound)
}
