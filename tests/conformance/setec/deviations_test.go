package conformance

import (
	"net/http"
	"strings"
	"testing"
)

// Each test here is a row of "What differs" in docs/reference/setec-compatibility.md.

func TestPutOfAnEmptyValueAfterTheLatestVersionWasDeleted(t *testing.T) {
	name := stored(t, "deviations/empty", "one", "two")
	wants(t, request{path: "/api/delete-version", body: object("Name", name, "Version", 2)}, empty)
	wants(t, request{path: "/api/put", body: object("Name", name, "Value", "")},
		deviation(t, "setec answers the number of the deleted version and stores nothing",
			answered("2"), answered("3")))
	wants(t, request{path: "/api/info", body: object("Name", name)},
		deviation(t, "setec stored nothing",
			answered(`{"Name":"deviations/empty","Versions":[1],"ActiveVersion":1}`),
			answered(`{"Name":"deviations/empty","Versions":[1,3],"ActiveVersion":1}`)))
}

func TestPutAfterTheLastPossibleNumber(t *testing.T) {
	name := absent(t, "deviations/last")
	body := object("Name", name, "Version", uint32(1<<32-1), "Value", encoded("last"))
	wants(t, request{path: "/api/create-version", body: body}, empty)
	wants(t, request{path: "/api/put", body: object("Name", name, "Value", encoded("next"))},
		deviation(t, "setec's number wraps around to 0, which no request can name",
			answered("0"), versionClaimed))
}

func TestCreateVersionOfAnInternalName(t *testing.T) {
	body := object("Name", "_internal/config", "Version", 1)
	// setec has it for good: it cannot be deleted there.
	wants(t, request{path: "/api/create-version", body: body},
		deviation(t, "setec keeps internal names from all writes but this one", empty, internalError))
}

func TestNamesThatLegerDoesNotStore(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("n", 256), " padded ", "a//b", "/rooted", "trailing/", "a/./b", "a/../b",
		"line\nbreak", "nul\x00byte", "\u202egnp.exe", "\u2028",
	} {
		absent(t, name)
		put := object("Name", name, "Value", encoded("value"))
		create := object("Name", name, "Version", 9, "Value", encoded("value"))
		const because = "leger's names fit into a file name's limits, a path and a line of text"
		wants(t, request{path: "/api/put", body: put},
			deviation(t, because, answered("1"), internalError))
		wants(t, request{path: "/api/create-version", body: create},
			deviation(t, because, empty, internalError))
		wants(t, request{path: "/api/get", body: object("Name", name)},
			deviation(t, because, answered(`{"Value":"dmFsdWU=","Version":9}`), notFound))
		wants(t, request{path: "/api/delete-version", body: object("Name", name, "Version", 1)},
			deviation(t, because, empty, notFound))
	}
}

func TestValuesAboveOneMillionBytes(t *testing.T) {
	name := absent(t, "deviations/large")
	large := object("Name", name, "Value", encoded(strings.Repeat("v", 1_000_001)))
	wants(t, request{path: "/api/put", body: large},
		deviation(t, "systemd hands a unit at most 1 MiB of credentials",
			answered("1"), internalError))
}

func TestBodiesThatNoSecretNeeds(t *testing.T) {
	body := `{"Extra":"` + strings.Repeat("x", 3<<20) + `"}`
	wants(t, request{as: "lister", path: "/api/list", body: body},
		deviation(t, "leger reads no more than it could store", answered("null"),
			refused(http.StatusRequestEntityTooLarge, "request body too large")))
}

func TestDeletingASecretThatAUnitIsBoundTo(t *testing.T) {
	const name = "bound/by-a-unit" // the launcher binds it where there are bindings
	if _, err := admin(t).Put(t.Context(), name, []byte("needed")); err != nil {
		t.Fatalf("Put: %v", err)
	}
	wants(t, request{path: "/api/delete", body: object("Name", name)},
		deviation(t, "the unit could not start again", empty, internalError))
	wants(t, request{path: "/api/get", body: object("Name", name)},
		deviation(t, "it is still there", notFound, answered(`{"Value":"bmVlZGVk","Version":1}`)))
}

func TestPathsThatAreNotClean(t *testing.T) {
	for _, path := range []string{"//", "//api/get", "/api//get", "/x/../api/get", "/./"} {
		got := send(t, request{method: "GET", path: path})
		want := deviation(t, "Go's ServeMux redirects to the clean path", "3xx", "200 and the page")
		redirected := got.status/100 == 3
		shown := got.status == http.StatusOK && got.contentType == "text/html; charset=utf-8"
		if (want == "3xx") != redirected || redirected == shown {
			t.Errorf("GET %s: got %+v, want %s", path, got, want)
		}
	}
}

func TestAnswersAreNotToBeCached(t *testing.T) {
	name := stored(t, "deviations/cached", "value")
	response := exchange(t, request{path: "/api/get", body: object("Name", name)})
	response.Body.Close()
	want := deviation(t, "values do not belong into caches", "", "no-store")
	if got := response.Header.Get("Cache-Control"); got != want {
		t.Errorf("Cache-Control: got %q, want %q", got, want)
	}
}
