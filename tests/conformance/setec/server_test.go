package conformance

import (
	"testing"

	"github.com/tailscale/setec/types/api"
)

func TestTheClientSeesAnActivationByGetIfChanged(t *testing.T) {
	name, ctx, client := stored(t, "server/changed", "v1", "v2"), t.Context(), admin(t)
	first, err := client.Get(ctx, name)
	if err != nil || first.Version != 1 {
		t.Fatalf("Get: got (%v, %v), want version 1", first, err)
	}
	_, err = client.GetIfChanged(ctx, name, first.Version)
	failsWith(t, err, api.ErrValueNotChanged)
	succeeds(t, client.Activate(ctx, name, 2))
	second, err := client.GetIfChanged(ctx, name, first.Version)
	if err != nil || second.Version != 2 || string(second.Value) != "v2" {
		t.Errorf("GetIfChanged: got (%v, %v), want version 2", second, err)
	}
	// Without a version it is an ordinary get.
	if got, err := client.GetIfChanged(ctx, name, 0); err != nil || got.Version != 2 {
		t.Errorf("GetIfChanged 0: got (%v, %v), want version 2", got, err)
	}
}

func TestTheClientIsToldWhatItMayNotDo(t *testing.T) {
	ok, no, ctx := stored(t, "ok/test", "v1", "v2"), stored(t, "no/test", "no"), t.Context()
	client := clientOf(t, "ok-only")
	_, err := client.GetVersion(ctx, no, 1)
	failsWith(t, err, api.ErrAccessDenied)
	_, err = client.GetVersion(ctx, ok, 3)
	failsWith(t, err, api.ErrNotFound)
	_, err = client.Put(ctx, ok, []byte("ohai"))
	failsWith(t, err, api.ErrAccessDenied)
	if err := client.DeleteVersion(ctx, ok, 1); err == nil {
		t.Error("the active version could be deleted")
	}
	succeeds(t, client.DeleteVersion(ctx, ok, 2))
}

func TestTheClientCannotDoAnythingWithoutAToken(t *testing.T) {
	client := clientOf(t, "admin")
	client.DoHTTP = transport.RoundTrip
	if got, err := client.List(t.Context()); err == nil {
		t.Errorf("List: got %v, want an error", got)
	}
	if got, err := client.Get(t.Context(), "server/any"); err == nil {
		t.Errorf("Get: got %v, want an error", got)
	}
}
