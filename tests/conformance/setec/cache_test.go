package conformance

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/tailscale/setec/client/setec"
)

func TestCachedValuesServeUntilThePollHasNewerOnes(t *testing.T) {
	name := stored(t, "cache/alpha", "foobar", "bazquux")
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	cache := setec.NewMemCache(
		`{"cache/alpha":{"secret":{"Value":"Zm9vYmFy","Version":1},"lastAccess":"0"}}`)
	schedule := newTicker()
	store := newStore(t, setec.StoreConfig{
		Secrets: []string{name}, Cache: cache, PollTicker: schedule,
		TimeNow: func() time.Time { return time.Unix(1, 0) },
	})
	wantSecret(t, store, name, "foobar")
	schedule.poll()
	wantSecret(t, store, name, "bazquux")
	const want = `{"cache/alpha":{"secret":{"Value":"YmF6cXV1eA==","Version":2},"lastAccess":"1"}}`
	if got := cache.String(); got != want {
		t.Errorf("Cache:\n got %s\nwant %s", got, want)
	}
	for metric, want := range map[string]string{
		"counter_poll_initiated": "1", "counter_poll_errors": "0", "counter_secret_fetch": "2",
	} {
		if got := store.Metrics().Get(metric).String(); got != want {
			t.Errorf("%s: got %s, want %s", metric, got, want)
		}
	}
}

// badCache fails.
type badCache struct{}

func (badCache) Write([]byte) error    { return errors.New("write failed") }
func (badCache) Read() ([]byte, error) { return nil, errors.New("read failed") }

func TestABadCacheIsAnEmptyOne(t *testing.T) {
	name := stored(t, "cache/bad", "foobar")
	for _, cache := range []setec.Cache{
		badCache{},
		setec.NewMemCache(`{"bad":JSON*#$&(@`),
		setec.NewMemCache(`{"cache/bad":{"Value":"blah","Version":100}}`),
	} {
		wantSecret(t, newStore(t, setec.StoreConfig{Secrets: []string{name}, Cache: cache}), name, "foobar")
	}
}

func TestUndeclaredSecretsExpireFromTheCache(t *testing.T) {
	apple, pear := stored(t, "cache/apple", "malus"), stored(t, "cache/pear", "pyrus")
	plum, cherry := stored(t, "cache/plum", "prunus"), stored(t, "cache/cherry", "avium")
	cache, now := new(setec.MemCache), time.Unix(1, 0)
	clock := func() time.Time { return now }
	first, err := setec.NewStore(t.Context(), setec.StoreConfig{
		Client: admin(t), Secrets: []string{apple, pear}, AllowLookup: true, Cache: cache,
		TimeNow: clock, Logf: t.Logf,
	})
	if err != nil {
		t.Fatalf("NewStore: %v", err)
	}
	for _, name := range []string{plum, cherry} {
		now = now.Add(25 * time.Second)
		if _, err := first.LookupSecret(t.Context(), name); err != nil {
			t.Fatalf("LookupSecret: %v", err)
		}
	}
	first.Close()
	schedule := newTicker()
	second := newStore(t, setec.StoreConfig{
		Secrets: []string{apple}, AllowLookup: true, Cache: cache, TimeNow: clock,
		ExpiryAge: 30 * time.Second, PollTicker: schedule,
	})
	// Last used 70, 70, 45 and 20 seconds before the poll, and only the first is declared.
	now = now.Add(20 * time.Second)
	schedule.poll()
	for name, want := range map[string]bool{apple: true, pear: false, plum: false, cherry: true} {
		if got := second.Secret(name) != nil; got != want {
			t.Errorf("%s is there: got %v, want %v", name, got, want)
		}
	}
}

func TestAFileCacheOfTheServerServesWithoutIt(t *testing.T) {
	apple, pear := stored(t, "cache/file-apple", "a1", "a2"), stored(t, "cache/file-pear", "p1")
	cherry, orange := stored(t, "cache/file-cherry", "c1", "c2"), absent(t, "cache/file-orange")
	succeeds(t, admin(t).Activate(t.Context(), cherry, 2))
	succeeds(t, admin(t).CreateVersion(t.Context(), orange, 100, []byte("o1")))

	path := filepath.Join(t.TempDir(), "cache", "secrets.json")
	cache, err := setec.NewFileCache(path)
	if err != nil {
		t.Fatalf("NewFileCache: %v", err)
	}
	names := []string{apple, pear, cherry}
	online := newStore(t, setec.StoreConfig{Secrets: names, AllowLookup: true, Cache: cache})
	succeeds(t, online.Refresh(t.Context()))
	if _, err := online.VersionedSecret(orange).GetVersion(t.Context(), 100); err != nil {
		t.Errorf("GetVersion: %v", err)
	}

	client, err := setec.NewFileClient(path)
	if err != nil {
		t.Fatalf("NewFileClient: %v", err)
	}
	offline := newStore(t, setec.StoreConfig{Client: client, Secrets: names})
	wantSecret(t, offline, apple, "a1")
	wantSecret(t, offline, pear, "p1")
	wantSecret(t, offline, cherry, "c2")
}

func TestAStoreStartsFromItsFileCacheWhileTheServerIsAway(t *testing.T) {
	name := stored(t, "cache/away", "value")
	cache, err := setec.NewFileCache(filepath.Join(t.TempDir(), "secrets.json"))
	if err != nil {
		t.Fatalf("NewFileCache: %v", err)
	}
	newStore(t, setec.StoreConfig{Secrets: []string{name}, Cache: cache})
	unreachable := setec.Client{Server: "http://127.0.0.1:1"} // tcpmux: nobody listens there
	store := newStore(t, setec.StoreConfig{
		Client: unreachable, Secrets: []string{name}, Cache: cache, PollInterval: -1,
	})
	wantSecret(t, store, name, "value")
}
