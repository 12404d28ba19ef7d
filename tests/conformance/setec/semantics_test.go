package conformance

import (
	"errors"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/tailscale/setec/client/setec"
	"github.com/tailscale/setec/types/api"
)

// wantValue compares the value that a version has; version 0 is the active one.
func wantValue(t *testing.T, client setec.Client, name string, version api.SecretVersion, want string) {
	t.Helper()
	got, err := client.GetVersion(t.Context(), name, version)
	if err != nil || string(got.Value) != want {
		t.Errorf("GetVersion %q %v: got (%v, %v), want %q", name, version, got, err, want)
	}
}

// wantInfo compares the versions that a secret has.
func wantInfo(t *testing.T, name string, active api.SecretVersion, versions ...api.SecretVersion) {
	t.Helper()
	want := &api.SecretInfo{Name: name, Versions: versions, ActiveVersion: active}
	got, err := admin(t).Info(t.Context(), name)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Info %q: got (%+v, %v), want %+v", name, got, err, want)
	}
}

// putWants puts a value and compares the number that it was given.
func putWants(t *testing.T, name, value string, want api.SecretVersion) {
	t.Helper()
	if got, err := admin(t).Put(t.Context(), name, []byte(value)); err != nil || got != want {
		t.Errorf("Put %q: got (%v, %v), want %v", name, got, err, want)
	}
}

// succeeds fails the test on an error.
func succeeds(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

// failsWith compares an error by setec's sentinels.
func failsWith(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func TestListFollowsEveryChange(t *testing.T) {
	lister := clientOf(t, "lister")
	wantList := func(want ...*api.SecretInfo) {
		t.Helper()
		got, err := lister.List(t.Context())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("List: got (%v, %v), want %v", got, err, want)
		}
	}
	info := func(name string, active api.SecretVersion, versions ...api.SecretVersion) *api.SecretInfo {
		return &api.SecretInfo{Name: name, Versions: versions, ActiveVersion: active}
	}
	name, other := absent(t, "listed/test"), absent(t, "listed/test2")
	wantList()
	putWants(t, name, "foo", 1)
	wantList(info(name, 1, 1))
	putWants(t, name, "bar", 2)
	wantList(info(name, 1, 1, 2))
	putWants(t, other, "quux", 1)
	wantList(info(name, 1, 1, 2), info(other, 1, 1))
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	wantList(info(name, 2, 1, 2), info(other, 1, 1))
	succeeds(t, admin(t).DeleteVersion(t.Context(), name, 1))
	wantList(info(name, 2, 2), info(other, 1, 1))
	succeeds(t, admin(t).Delete(t.Context(), name))
	wantList(info(other, 1, 1))
}

func TestEveryVersionCanBeReadAndActivated(t *testing.T) {
	name := absent(t, "semantics/get")
	for i := range 10 {
		putWants(t, name, strconv.Itoa(i), api.SecretVersion(i+1))
	}
	wantValue(t, admin(t), name, 0, "0")
	for i := range 10 {
		version, want := api.SecretVersion(i+1), strconv.Itoa(i)
		wantValue(t, admin(t), name, version, want)
		succeeds(t, admin(t).Activate(t.Context(), name, version))
		wantValue(t, admin(t), name, 0, want)
	}
}

func TestOnlyTheFirstPutIsActive(t *testing.T) {
	name := absent(t, "semantics/first")
	putWants(t, name, "one", 1)
	wantInfo(t, name, 1, 1)
	putWants(t, name, "two", 2)
	wantInfo(t, name, 1, 1, 2)
	wantValue(t, admin(t), name, 0, "one")
}

func TestPutOfTheLatestValueStoresNothing(t *testing.T) {
	name := absent(t, "semantics/put")
	putWants(t, name, "value 1", 1)
	putWants(t, name, "value 1", 1)
	putWants(t, name, "value 2", 2)
	putWants(t, name, "value 2", 2)
	// It is the latest value that is compared with, neither the active one nor any older one.
	putWants(t, name, "value 1", 3)
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	putWants(t, name, "value 2", 4)
	wantInfo(t, name, 2, 1, 2, 3, 4)
	wantValue(t, admin(t), name, 1, "value 1")
	wantValue(t, admin(t), name, 2, "value 2")
	wantValue(t, admin(t), name, 3, "value 1")
}

func TestPutAfterTheLatestVersionWasDeleted(t *testing.T) {
	name := stored(t, "semantics/deleted", "one", "two")
	succeeds(t, admin(t).DeleteVersion(t.Context(), name, 2))
	// Neither the deleted value nor the highest one that is left counts as the latest.
	putWants(t, name, "two", 3)
	succeeds(t, admin(t).DeleteVersion(t.Context(), name, 3))
	putWants(t, name, "one", 4)
	wantInfo(t, name, 1, 1, 4)
}

func TestEmptyValuesAreValues(t *testing.T) {
	name := absent(t, "semantics/empty")
	putWants(t, name, "", 1)
	putWants(t, name, "", 1)
	wantValue(t, admin(t), name, 1, "")
	putWants(t, name, "x", 2)
	putWants(t, name, "", 3)
	wantInfo(t, name, 1, 1, 2, 3)
}

func TestCreateVersionActivatesNumbersInAnyOrder(t *testing.T) {
	// Numbers may be times: this is the last second of 2099.
	year2099 := api.SecretVersion(time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
	name, ctx, client := absent(t, "semantics/create"), t.Context(), admin(t)
	create := func(version api.SecretVersion, value string) {
		t.Helper()
		succeeds(t, client.CreateVersion(ctx, name, version, []byte(value)))
		wantValue(t, client, name, version, value)
		wantValue(t, client, name, 0, value)
	}
	create(1, "value 1")
	create(year2099, "value 2")
	failsWith(t, client.CreateVersion(ctx, name, year2099, []byte("value 2")), api.ErrVersionClaimed)
	wantValue(t, client, name, 0, "value 2")
	create(100, "value 3")
	wantInfo(t, name, 100, 1, 100, year2099)
}

func TestCreateVersionMayBeginAnywhere(t *testing.T) {
	name := absent(t, "semantics/anywhere")
	succeeds(t, admin(t).CreateVersion(t.Context(), name, 100, []byte("value")))
	wantInfo(t, name, 100, 100)
	wantValue(t, admin(t), name, 0, "value")
}

func TestPutContinuesAfterTheHighestNumberEverUsed(t *testing.T) {
	name, ctx, client := absent(t, "semantics/continue"), t.Context(), admin(t)
	putWants(t, name, "value 1", 1)
	succeeds(t, client.CreateVersion(ctx, name, 100, []byte("value 3")))
	succeeds(t, client.CreateVersion(ctx, name, 10, []byte("value 2")))
	wantValue(t, client, name, 0, "value 2")
	putWants(t, name, "value 4", 101)
	wantValue(t, client, name, 101, "value 4")
	wantValue(t, client, name, 0, "value 2")
	succeeds(t, client.DeleteVersion(ctx, name, 101))
	succeeds(t, client.DeleteVersion(ctx, name, 100))
	wantValue(t, client, name, 0, "value 2")
	failsWith(t, client.CreateVersion(ctx, name, 100, []byte("value 2")), api.ErrVersionClaimed)
	putWants(t, name, "value 4", 102)
	wantValue(t, client, name, 0, "value 2")
	wantInfo(t, name, 10, 1, 10, 102)
}

func TestDeleteTakesAllVersionsAndForgetsTheirNumbers(t *testing.T) {
	name, ctx, client := stored(t, "semantics/delete", "one", "two"), t.Context(), admin(t)
	succeeds(t, client.Delete(ctx, "semantics/nonesuch"))
	succeeds(t, client.Delete(ctx, name))
	_, err := client.GetVersion(ctx, name, 1)
	failsWith(t, err, api.ErrNotFound)
	_, err = client.Info(ctx, name)
	failsWith(t, err, api.ErrNotFound)
	putWants(t, name, "three", 1)
	wantInfo(t, name, 1, 1)
}

func TestDeleteVersionTakesOneThatIsNotActive(t *testing.T) {
	name, ctx, client := stored(t, "semantics/delete-version", "one", "two"), t.Context(), admin(t)
	failsWith(t, client.DeleteVersion(ctx, name, 1000), api.ErrNotFound)
	if err := client.DeleteVersion(ctx, name, 1); err == nil {
		t.Error("the active version could be deleted")
	}
	succeeds(t, client.DeleteVersion(ctx, name, 2))
	_, err := client.GetVersion(ctx, name, 2)
	failsWith(t, err, api.ErrNotFound)
	wantValue(t, client, name, 1, "one")
}
