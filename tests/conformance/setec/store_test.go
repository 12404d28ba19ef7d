package conformance

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tailscale/setec/client/setec"
	"tailscale.com/types/logger"
)

// patience is how long a test waits for what must happen; none waits that long when it does.
const patience = 15 * time.Second

// ticker lets a test say when a Store polls, and know when it has.
type ticker struct {
	tick chan time.Time
	done chan struct{}
}

func newTicker() *ticker {
	return &ticker{tick: make(chan time.Time), done: make(chan struct{})}
}

func (t *ticker) Chan() <-chan time.Time { return t.tick }
func (t *ticker) Done()                  { t.done <- struct{}{} }
func (t *ticker) Stop()                  {}

// poll makes the Store poll once and returns when it is through.
func (t *ticker) poll() {
	t.tick <- time.Time{}
	<-t.done
}

// newStore returns a Store of setec's client; the test ends it.
func newStore(t *testing.T, config setec.StoreConfig) *setec.Store {
	t.Helper()
	if config.Client == nil {
		config.Client = admin(t)
	}
	config.Logf = logger.Discard
	store, err := setec.NewStore(t.Context(), config)
	if err != nil {
		t.Fatalf("NewStore: %v", err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// wantSecret compares the value that a Store has.
func wantSecret(t *testing.T, store *setec.Store, name, want string) setec.Secret {
	t.Helper()
	secret := store.Secret(name)
	if got := secret.GetString(); got != want {
		t.Errorf("Secret %q: got %q, want %q", name, got, want)
	}
	return secret
}

func TestStoreHasWhatItDeclares(t *testing.T) {
	alpha, bravo := stored(t, "store/alpha", "ok"), stored(t, "store/bravo", "yes", "no")
	store := newStore(t, setec.StoreConfig{Secrets: []string{alpha, bravo, alpha}})
	wantSecret(t, store, alpha, "ok")
	wantSecret(t, store, bravo, "yes")
	if secret, err := store.LookupSecret(t.Context(), "store/other"); err == nil {
		t.Errorf("LookupSecret: got %q, want an error: lookups are off", secret.Get())
	}
}

func TestStoreIsNotMadeOfNothing(t *testing.T) {
	for _, config := range []setec.StoreConfig{
		{},
		{Client: admin(t)},
		{Client: admin(t), Secrets: []string{""}, AllowLookup: true},
	} {
		if store, err := setec.NewStore(t.Context(), config); err == nil {
			store.Close()
			t.Errorf("NewStore of %+v: no error", config)
		}
	}
}

func TestStoreLooksUpWhatItDidNotDeclare(t *testing.T) {
	red, green := stored(t, "store/red", "badge"), stored(t, "store/green", "eggs")
	newStore(t, setec.StoreConfig{AllowLookup: true}) // none at all may be declared
	store := newStore(t, setec.StoreConfig{Secrets: []string{red}, AllowLookup: true})
	if store.Secret(red) == nil || store.Secret(green) != nil {
		t.Error("the store has not exactly what it declared")
	}
	secret, err := store.LookupSecret(t.Context(), green)
	if err != nil || secret.GetString() != "eggs" {
		t.Errorf("LookupSecret: got (%q, %v), want eggs", secret.GetString(), err)
	}
	if got, err := store.LookupSecret(t.Context(), "store/nonesuch"); err == nil {
		t.Errorf("LookupSecret of none: got %q, want an error", got.Get())
	}
	if got := store.Secret("store/nonesuch"); got != nil {
		t.Errorf("Secret of none: got %q", got.Get())
	}
}

func TestStoreWaitsForASecretThatIsNotThereYet(t *testing.T) {
	minsc, boo := absent(t, "store/minsc"), absent(t, "store/boo")
	missed := make(chan string)
	client := admin(t)
	send := client.DoHTTP
	client.DoHTTP = func(request *http.Request) (*http.Response, error) {
		asked, err := bodyOf(request)
		if err != nil {
			return nil, err
		}
		response, err := send(request)
		if err == nil && response.StatusCode == http.StatusNotFound {
			select {
			case missed <- asked:
			case <-request.Context().Done():
			}
		}
		return response, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	made := make(chan *setec.Store, 1)
	go func() {
		store, err := setec.NewStore(ctx, setec.StoreConfig{
			Client: client, Secrets: []string{minsc, boo}, Logf: logger.Discard,
		})
		if err != nil {
			t.Errorf("NewStore: %v", err)
		}
		made <- store
	}()
	// It asks for both, is told that there is none, and asks again.
	awaitMiss(t, ctx, missed, minsc)
	awaitMiss(t, ctx, missed, boo)
	putWants(t, boo, "go for the eyes", 1)
	awaitMiss(t, ctx, missed, minsc)
	putWants(t, minsc, "full plate", 1)
	for {
		select {
		case <-missed: // a question that was under way
		case store := <-made:
			if store != nil {
				defer store.Close()
				wantSecret(t, store, minsc, "full plate")
				wantSecret(t, store, boo, "go for the eyes")
			}
			return
		}
	}
}

// bodyOf reads the body of a request that is still to be sent.
func bodyOf(request *http.Request) (string, error) {
	body, err := request.GetBody()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

func awaitMiss(t *testing.T, ctx context.Context, missed <-chan string, name string) {
	t.Helper()
	for {
		select {
		case asked := <-missed:
			if strings.Contains(asked, `"`+name+`"`) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("the store did not ask for %s", name)
		}
	}
}

func TestStoreGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := admin(t)
	send := client.DoHTTP
	client.DoHTTP = func(request *http.Request) (*http.Response, error) {
		defer cancel() // as soon as the server has been asked once
		return send(request)
	}
	store, err := setec.NewStore(ctx, setec.StoreConfig{
		Client: client, Secrets: []string{"store/nonesuch"}, Logf: logger.Discard,
	})
	if err == nil {
		store.Close()
		t.Error("NewStore: no error")
	}
}

func TestStorePollsInTheBackground(t *testing.T) {
	name := stored(t, "store/polled", "before", "after")
	store := newStore(t, setec.StoreConfig{
		Secrets: []string{name}, PollInterval: 20 * time.Millisecond,
	})
	secret := wantSecret(t, store, name, "before")
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	deadline, again := time.After(patience), time.NewTicker(time.Millisecond)
	defer again.Stop()
	for secret.GetString() != "after" {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("the store still has %q", secret.GetString())
		}
	}
}

func TestStoreIsNotToldOfWhatDidNotChange(t *testing.T) {
	name := stored(t, "store/unchanged", "value")
	statuses := make(chan int, 10)
	client := admin(t)
	send := client.DoHTTP
	client.DoHTTP = func(request *http.Request) (*http.Response, error) {
		response, err := send(request)
		if err == nil {
			statuses <- response.StatusCode
		}
		return response, err
	}
	schedule := newTicker()
	newStore(t, setec.StoreConfig{Client: client, Secrets: []string{name}, PollTicker: schedule})
	schedule.poll()
	if first, second := <-statuses, <-statuses; first != 200 || second != 304 {
		t.Errorf("got %d and %d, want 200 and 304", first, second)
	}
}

func TestStoreTakesWhatItCanGetOfARefresh(t *testing.T) {
	small, large := stored(t, "store/small", "1", "2"), stored(t, "store/large", "500")
	store := newStore(t, setec.StoreConfig{Secrets: []string{small, large}})
	wantSecret(t, store, small, "1")
	succeeds(t, admin(t).Activate(t.Context(), small, 2))
	succeeds(t, admin(t).Delete(t.Context(), large))
	if err := store.Refresh(t.Context()); err == nil {
		t.Error("Refresh: no error although a secret is gone")
	}
	wantSecret(t, store, small, "2")
	wantSecret(t, store, large, "500") // a value that was once there is kept
}
