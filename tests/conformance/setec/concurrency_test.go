package conformance

import (
	"fmt"
	"sync"
	"testing"

	"github.com/tailscale/setec/types/api"
)

func TestConcurrentPutsEachGetANumberOfTheirOwn(t *testing.T) {
	const writers, each = 16, 8
	name := absent(t, "concurrency/puts")
	var (
		all  sync.WaitGroup
		lock sync.Mutex
		seen = map[api.SecretVersion]string{}
	)
	for writer := range writers {
		all.Go(func() {
			for i := range each {
				value := fmt.Sprintf("%d of writer %d", i, writer)
				version, err := admin(t).Put(t.Context(), name, []byte(value))
				if err != nil {
					t.Errorf("Put: %v", err)
					continue
				}
				lock.Lock()
				if other, twice := seen[version]; twice {
					t.Errorf("version %d was given to %q and to %q", version, other, value)
				}
				seen[version] = value
				lock.Unlock()
			}
		})
	}
	all.Wait()
	for version := range api.SecretVersion(writers * each) {
		wantValue(t, admin(t), name, version+1, seen[version+1])
	}
}

func TestConcurrentReadersSeeWholeVersions(t *testing.T) {
	name := stored(t, "concurrency/reads", "1", "2")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				got, err := admin(t).Get(t.Context(), name)
				if err != nil || string(got.Value) != got.Version.String() {
					t.Errorf("Get: got (%v, %v), want the value of its version", got, err)
				}
			}
		})
	}
	for i := range 40 {
		succeeds(t, admin(t).Activate(t.Context(), name, api.SecretVersion(1+i%2)))
	}
	all.Wait()
}

func TestOneOfManyCreatorsGetsTheNumber(t *testing.T) {
	name := absent(t, "concurrency/create")
	results := make(chan error, 16)
	for i := range cap(results) {
		go func() {
			results <- admin(t).CreateVersion(t.Context(), name, 7, []byte(fmt.Sprint(i)))
		}()
	}
	created := 0
	for range cap(results) {
		if err := <-results; err == nil {
			created++
		} else {
			failsWith(t, err, api.ErrVersionClaimed)
		}
	}
	if created != 1 {
		t.Errorf("%d of %d made the version", created, cap(results))
	}
}
