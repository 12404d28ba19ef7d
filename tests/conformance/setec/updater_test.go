package conformance

import (
	"errors"
	"testing"

	"github.com/tailscale/setec/client/setec"
)

// connection stands for what a program makes of a secret, such as a database connection.
type connection struct {
	secret string
	closed bool
}

// Close notes that it was called.
func (c *connection) Close() error {
	c.closed = true
	return nil
}

func connect(secret []byte) (*connection, error) {
	return &connection{secret: string(secret)}, nil
}

func TestUpdaterFollowsAnActivation(t *testing.T) {
	name := stored(t, "updater/label", "malarkey", "pony soldier")
	schedule := newTicker()
	store := newStore(t, setec.StoreConfig{Secrets: []string{name}, PollTicker: schedule})
	updater, err := setec.NewUpdater(t.Context(), store, name, connect)
	if err != nil {
		t.Fatalf("NewUpdater: %v", err)
	}
	before := updater.Get()
	if before.secret != "malarkey" || before.closed {
		t.Errorf("before: got %+v", before)
	}
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	schedule.poll()
	after := updater.Get()
	if after.secret != "pony soldier" || !before.closed {
		t.Errorf("after: got %+v, and the old one is closed: %v", after, before.closed)
	}
	schedule.poll()
	if again := updater.Get(); again != after || after.closed {
		t.Errorf("without a change: got %+v, want the same open one", again)
	}
}

func TestUpdaterKeepsTheOldValueWhenTheNewOneIsOfNoUse(t *testing.T) {
	name := stored(t, "updater/bad", "good", "bad")
	schedule := newTicker()
	store := newStore(t, setec.StoreConfig{Secrets: []string{name}, PollTicker: schedule})
	unusable := errors.New("unusable")
	updater, err := setec.NewUpdater(t.Context(), store, name, func(secret []byte) (string, error) {
		if string(secret) == "bad" {
			return "", unusable
		}
		return string(secret), nil
	})
	if err != nil {
		t.Fatalf("NewUpdater: %v", err)
	}
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	schedule.poll()
	if got := updater.Get(); got != "good" || !errors.Is(updater.Err(), unusable) {
		t.Errorf("got (%q, %v), want the old value and why", got, updater.Err())
	}
}

func TestUpdaterLooksUpASecret(t *testing.T) {
	name := stored(t, "updater/lookup", "eggs and ham")
	closed := newStore(t, setec.StoreConfig{Secrets: []string{name}})
	if _, err := setec.NewUpdater(t.Context(), closed, "updater/nonesuch", connect); err == nil {
		t.Error("NewUpdater of an undeclared secret: no error")
	}
	open := newStore(t, setec.StoreConfig{AllowLookup: true})
	updater, err := setec.NewUpdater(t.Context(), open, name, connect)
	if err != nil || updater.Get().secret != "eggs and ham" {
		t.Errorf("NewUpdater: got %v", err)
	}
}
