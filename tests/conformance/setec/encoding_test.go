package conformance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestAnswersAreCompactJSONWithoutANewline(t *testing.T) {
	name := absent(t, "listed/encoding")
	put := func(value string) string { return object("Name", name, "Value", encoded(value)) }
	wants(t, request{path: "/api/put", body: put("one")}, answered("1"))
	wants(t, request{path: "/api/put", body: put("two")}, answered("2"))
	wants(t, request{path: "/api/create-version", body: object("Name", name, "Version", 7)}, empty)
	wants(t, request{path: "/api/activate", body: object("Name", name, "Version", 2)}, empty)
	wants(t, request{path: "/api/get", body: object("Name", name)},
		answered(`{"Value":"dHdv","Version":2}`))
	wants(t, request{path: "/api/get", body: object("Name", name, "Version", 7)},
		answered(`{"Value":"","Version":7}`))
	info := `{"Name":"listed/encoding","Versions":[1,2,7],"ActiveVersion":2}`
	wants(t, request{path: "/api/info", body: object("Name", name)}, answered(info))
	wants(t, request{as: "lister", path: "/api/list", body: "{}"}, answered("["+info+"]"))
	wants(t, request{path: "/api/delete-version", body: object("Name", name, "Version", 7)}, empty)
	wants(t, request{path: "/api/delete", body: object("Name", name)}, empty)
	wants(t, request{as: "lister", path: "/api/list", body: "{}"}, answered("null"))
}

func TestVersionsAreListedInOrderOfNumber(t *testing.T) {
	name := absent(t, "encoding/order")
	for _, version := range []uint32{100, 9, 10, 4000000000, 1} {
		body := object("Name", name, "Version", version)
		wants(t, request{path: "/api/create-version", body: body}, empty)
	}
	wants(t, request{path: "/api/info", body: object("Name", name)},
		answered(`{"Name":"encoding/order","Versions":[1,9,10,100,4000000000],"ActiveVersion":1}`))
}

func TestNamesAreEscapedAsGoEscapesThem(t *testing.T) {
	// json.Marshal escapes what HTML and JavaScript would take for their own, and leaves other
	// characters outside of ASCII as they are.
	for name, escaped := range map[string]string{
		"listed/<b>&amp;":                    `listed/\u003cb\u003e\u0026amp;`,
		`listed/"quoted\'`:                   `listed/\"quoted\\'`,
		"listed/ключ-鍵-🔑":                    "listed/ключ-鍵-🔑",
		"listed/%2F?x=1#y z":                 "listed/%2F?x=1#y z",
		"listed/e\u0301":                     "listed/e\u0301", // two code points, not brought to one
		"listed/\u00e9":                      "listed/\u00e9",
		"listed/" + strings.Repeat("n", 248): "listed/" + strings.Repeat("n", 248),
	} {
		stored(t, name, "value")
		info := `{"Name":"` + escaped + `","Versions":[1],"ActiveVersion":1}`
		wants(t, request{path: "/api/info", body: object("Name", name)}, answered(info))
		wants(t, request{as: "lister", path: "/api/list", body: "{}"}, answered("["+info+"]"))
		wants(t, request{path: "/api/delete", body: object("Name", name)}, empty)
	}
}

func TestListsAreSortedByTheBytesOfNames(t *testing.T) {
	names := []string{
		"listed/10", "listed/9", "listed/A", "listed/Z", "listed/a", "listed/a-b", "listed/a/b",
		"listed/ab", "listed/é", "listed/鍵", "listed/🔑",
	}
	for i := range names {
		stored(t, names[len(names)-1-i], "value")
	}
	var got []struct{ Name string }
	listed := send(t, request{as: "lister", path: "/api/list", body: "{}"})
	if err := json.Unmarshal([]byte(listed.body), &got); err != nil {
		t.Fatalf("%v: %+v", err, listed)
	}
	if len(got) != len(names) {
		t.Fatalf("got %d secrets, want %d: %s", len(got), len(names), listed.body)
	}
	for i, want := range names {
		if got[i].Name != want {
			t.Errorf("at %d: got %q, want %q", i, got[i].Name, want)
		}
	}
}

func TestValuesComeBackByteForByte(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, value := range []string{
		"x", "\x00", "\n", " leading and trailing ", string(every), "\ufeffBOM", "\xff\xfe\xfd",
		strings.Repeat("k", 64<<10), strings.Repeat(string(every), 3900), // just below 1,000,000
	} {
		name := absent(t, "encoding/bytes")
		body := object("Name", name, "Value", encoded(value))
		wants(t, request{path: "/api/put", body: body}, answered("1"))
		wants(t, request{path: "/api/get", body: object("Name", name)},
			answered(`{"Value":"`+encoded(value)+`","Version":1}`))
	}
}

func TestAnUnchangedValueIsNotSentAgain(t *testing.T) {
	name := stored(t, "encoding/unchanged", "one", "two")
	ask := func(version uint32) request {
		return request{
			path: "/api/get",
			body: object("Name", name, "Version", version, "UpdateIfChanged", true),
		}
	}
	one, two := answered(`{"Value":"b25l","Version":1}`), answered(`{"Value":"dHdv","Version":2}`)
	wants(t, ask(1), unchanged)
	wants(t, ask(2), one)
	wants(t, ask(77), one) // a version that never was differs from the active one, too
	wants(t, ask(0), one)  // without a version there is nothing to compare with
	wants(t, request{path: "/api/activate", body: object("Name", name, "Version", 2)}, empty)
	wants(t, ask(1), two)
	wants(t, ask(2), unchanged)
	asked := ask(2)
	asked.body = strings.Replace(asked.body, name, "encoding/none", 1)
	wants(t, asked, notFound)
	asked = ask(2)
	asked.as = "bystander"
	wants(t, asked, denied)
}

func TestConnectionsOutliveRefusals(t *testing.T) {
	// An answer that left part of the body unread, or announced a wrong length, would break the
	// next request on the connection.
	name := stored(t, "encoding/kept", "value")
	large := object("Name", "", "Value", encoded(strings.Repeat("v", 100<<10)))
	for range 3 {
		wants(t, request{path: "/api/put", body: large}, internalError)
		wants(t, request{as: nobody, path: "/api/put", body: large}, unidentified)
		wants(t, request{method: "PUT", path: "/api/put", body: large},
			refused(http.StatusBadRequest, "only POST requests allowed"))
		wants(t, request{
			path: "/api/get", body: object("Name", name, "Version", 1, "UpdateIfChanged", true),
		}, unchanged)
		wants(t, request{path: "/api/get", body: object("Name", name)},
			answered(`{"Value":"dmFsdWU=","Version":1}`))
	}
}
