package conformance

import (
	"net/http"
	"strings"
	"testing"
)

// Bodies are read as Go's encoding/json reads the first value of a stream. JSON libraries of other
// languages differ from it in each of the points below.

func TestBodiesThatAreNoJSONAreABadRequest(t *testing.T) {
	for path := range endpoints {
		for _, body := range []string{
			"", " ", "\n", "{", "}", "nul", "Null", "NaN", "{]", "{,}", `{"Name"}`, `{"Name":}`,
			`{"Name":"x",}`, `{'Name':"x"}`, `{Name:"x"}`, "{\"Name\":\"a\nb\"}", `{"Name":"\x"}`,
			`{"Name":"\u12"}`, `{"Extra":01}`, `{"Extra":NaN}`, `{"Extra":Infinity}`, `{"Extra":1.}`,
			`{"Extra":.5}`, `{"Extra":+1}`, `{"Extra":0x1}`, "\ufeff{}", `/**/{}`, "\x00{}",
		} {
			wants(t, request{path: path, body: body}, badRequest)
		}
	}
}

func TestBodiesThatAreNoObjectAreABadRequest(t *testing.T) {
	for path := range endpoints {
		for _, body := range []string{"[]", `"Name"`, "1", "true", "false", "[{}]"} {
			wants(t, request{path: path, body: body}, badRequest)
		}
	}
}

func TestNullAndAnEmptyObjectAreTheSame(t *testing.T) {
	for _, body := range []string{"{}", "null", " \n null", "{ }", `{"Name":null,"Version":null}`} {
		wants(t, request{as: "lister", path: "/api/list", body: body}, answered("null"))
		wants(t, request{path: "/api/get", body: body}, notFound)
		wants(t, request{path: "/api/info", body: body}, notFound)
		wants(t, request{path: "/api/put", body: body}, internalError)
		wants(t, request{path: "/api/create-version", body: body}, internalError)
		wants(t, request{path: "/api/activate", body: body}, internalError)
		wants(t, request{path: "/api/delete", body: body}, empty)
		wants(t, request{path: "/api/delete-version", body: body}, internalError)
	}
}

func TestWhatFollowsTheFirstValueIsNotRead(t *testing.T) {
	name := stored(t, "decoding/trailing", "value")
	for _, trailing := range []string{"", "\n", "{}", `{"Name":"other"}`, "garbage", "}", "\xff"} {
		body := object("Name", name) + trailing
		wants(t, request{path: "/api/get", body: body}, answered(`{"Value":"dmFsdWU=","Version":1}`))
		wants(t, request{as: "lister", path: "/api/list", body: "null" + trailing}, answered("null"))
	}
}

func TestNamesOfFieldsAreTakenInAnyCase(t *testing.T) {
	name := stored(t, "decoding/case", "one", "two")
	two := answered(`{"Value":"dHdv","Version":2}`)
	for _, body := range []string{
		`{"Name":"decoding/case","Version":2}`,
		`{"name":"decoding/case","version":2}`,
		`{"NAME":"decoding/case","vErSiOn":2}`,
		// encoding/json folds as Unicode does: the long s and the sign of kelvin are s and k.
		`{"Name":"decoding/case","Ver` + "\u017f" + `ion":2}`,
		`{"\u004eame":"decoding/case","Version":2}`,
	} {
		wants(t, request{path: "/api/get", body: body}, two)
	}
	for _, body := range []string{
		`{"Name":"decoding/case","Version":2,"UpdateIfChanged":true}`,
		`{"Name":"decoding/case","Version":2,"updateifchanged":true}`,
		`{"Name":"decoding/case","Version":2,"Update_If_Changed":false,"UPDATEIFCHANGED":true}`,
	} {
		wants(t, request{path: "/api/get", body: body}, answered(`{"Value":"b25l","Version":1}`))
	}
	wants(t, request{path: "/api/get", body: `{"N ame":"` + name + `"}`}, notFound)
}

func TestTheLastOfRepeatedFieldsCounts(t *testing.T) {
	name := stored(t, "decoding/repeated", "one", "two")
	one, two := answered(`{"Value":"b25l","Version":1}`), answered(`{"Value":"dHdv","Version":2}`)
	for body, want := range map[string]answer{
		`{"Version":1,"Version":2,"Name":"` + name + `"}`:          two,
		`{"Version":1,"version":2,"Name":"` + name + `"}`:          two,
		`{"version":2,"Version":1,"Name":"` + name + `"}`:          one,
		`{"Version":2,"Version":null,"Name":"` + name + `"}`:       two,
		`{"Name":"other","NAME":"` + name + `"}`:                   one,
		`{"Name":"` + name + `","Version":"2","Version":2}`:        badRequest,
		`{"Name":"` + name + `","Version":2,"Version":4294967296}`: badRequest,
	} {
		wants(t, request{path: "/api/get", body: body}, want)
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	name := stored(t, "decoding/unknown", "value")
	want := answered(`{"Value":"dmFsdWU=","Version":1}`)
	for _, extra := range []string{
		`"x":1`, `"x":{"Name":"other"}`, `"x":[[[{"y":null}]]]`, `"Value":"not base64!"`, `"":0`,
		`"x":-1.5e+300`, `"x":1e999`, `"x":"\ud800"`, `"Names":["a"]`,
	} {
		wants(t, request{path: "/api/get", body: `{` + extra + `,"Name":"` + name + `"}`}, want)
	}
}

func TestFieldsOfAnotherTypeAreABadRequest(t *testing.T) {
	for path, fields := range map[string][]string{
		"/api/get":            {"Name", "Version", "UpdateIfChanged"},
		"/api/info":           {"Name"},
		"/api/put":            {"Name", "Value"},
		"/api/create-version": {"Name", "Version", "Value"},
		"/api/activate":       {"Name", "Version"},
		"/api/delete":         {"Name"},
		"/api/delete-version": {"Name", "Version"},
	} {
		wrong := map[string][]string{
			"Name":            {"1", "true", "[]", "{}", `["a"]`},
			"Version":         {`"1"`, "true", "[]", "{}", "1.0", "1e0", "0.5", "-1", "-0"},
			"UpdateIfChanged": {`"true"`, "1", "0", "[]", "{}"},
			"Value":           {"1", "true", "{}", `["a"]`, "[256]", "[-1]", "[1.5]"},
		}
		for _, field := range fields {
			for _, value := range wrong[field] {
				wants(t, request{path: path, body: `{"` + field + `":` + value + `}`}, badRequest)
			}
		}
	}
}

func TestVersionsAreNumbersOf32Bits(t *testing.T) {
	name := stored(t, "decoding/versions", "value")
	for _, path := range []string{"/api/get", "/api/activate", "/api/delete-version"} {
		for _, version := range []string{"2", "2147483648", "4294967295"} {
			body := `{"Name":"` + name + `","Version":` + version + `}`
			wants(t, request{path: path, body: body}, notFound)
		}
		for _, version := range []string{"4294967296", "18446744073709551617", "1e99", "-4294967295"} {
			body := `{"Name":"` + name + `","Version":` + version + `}`
			wants(t, request{path: path, body: body}, badRequest)
		}
	}
	body := object("Name", name, "Version", uint32(1<<32-1), "Value", encoded("last"))
	wants(t, request{path: "/api/create-version", body: body}, empty)
	wants(t, request{path: "/api/get", body: object("Name", name)},
		answered(`{"Value":"bGFzdA==","Version":4294967295}`))
}

func TestValuesAreStandardBase64WithPadding(t *testing.T) {
	for _, value := range []string{
		"dmFsdWU", "dmFsdWU==", "dmFsdWU===", "dmFs dWU=", "dmFsdWU=x", "=", "====", "a", "aaaaa",
		"-_-_", "é===", "dmFsdWU=\u0000", "dmFs\tdWU=",
	} {
		for _, path := range []string{"/api/put", "/api/create-version"} {
			body := object("Name", "decoding/base64", "Version", 1, "Value", value)
			wants(t, request{path: path, body: body}, badRequest)
		}
	}
	for given, canonical := range map[string]string{
		`"dmFsdWU="`:           "dmFsdWU=",
		`"dmFs\ndWU=\r\n"`:     "dmFsdWU=", // line ends are skipped, as MIME has them
		`"dmFsdWV="`:           "dmFsdWU=", // bits that code nothing need not be 0
		`"\u0064mFsdWU\u003d"`: "dmFsdWU=",
		`"+/+/"`:               "+/+/",
		`""`:                   "",
		`null`:                 "",
		`[]`:                   "",
		`[118,97,108,117,101]`: "dmFsdWU=", // encoding/json takes a list of bytes, too
		`[0,255,null]`:         "AP8A",
	} {
		name := absent(t, "decoding/base64")
		body := `{"Name":"` + name + `","Value":` + given + `}`
		wants(t, request{path: "/api/put", body: body}, answered("1"))
		wants(t, request{path: "/api/get", body: object("Name", name)},
			answered(`{"Value":"`+canonical+`","Version":1}`))
	}
}

func TestTextThatIsNoUnicodeIsReplaced(t *testing.T) {
	// encoding/json puts U+FFFD in the place of what is no Unicode, and refuses nothing.
	name := stored(t, "decoding/\ufffd", "value")
	for _, given := range []string{`decoding/\ud800`, `decoding/\udc00`, "decoding/\xff"} {
		wants(t, request{path: "/api/get", body: `{"Name":"` + given + `"}`},
			answered(`{"Value":"dmFsdWU=","Version":1}`))
	}
	pair := stored(t, "decoding/\U0001f511", "key")
	wants(t, request{path: "/api/get", body: `{"Name":"decoding/\ud83d\udd11"}`},
		answered(`{"Value":"a2V5","Version":1}`))
	wants(t, request{path: "/api/info", body: object("Name", pair)},
		answered(`{"Name":"`+pair+`","Versions":[1],"ActiveVersion":1}`))
	wants(t, request{path: "/api/info", body: object("Name", name)},
		answered(`{"Name":"`+name+`","Versions":[1],"ActiveVersion":1}`))
}

func TestNestingHasALimit(t *testing.T) {
	nested := func(depth int) string {
		return `{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}"
	}
	wants(t, request{as: "lister", path: "/api/list", body: nested(9_999)}, answered("null"))
	wants(t, request{as: "lister", path: "/api/list", body: nested(10_000)}, badRequest)
	wants(t, request{as: "lister", path: "/api/list", body: nested(1_000_000)}, badRequest)
}

func TestBodiesMayComeInPieces(t *testing.T) {
	name := stored(t, "decoding/pieces", "value")
	// A reader of unknown length makes the client send chunks.
	sent, err := http.NewRequestWithContext(t.Context(), "POST", target.Server+"/api/get",
		struct{ *strings.Reader }{strings.NewReader(object("Name", name))})
	if err != nil {
		t.Fatal(err)
	}
	sent.ContentLength = -1
	sent.Header.Set("Content-Type", "application/json")
	sent.Header.Set("Sec-X-Tailscale-No-Browsers", "setec")
	response, err := bearer{tokenOf(t, "admin")}.Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %s", response.Status)
	}
}
