package conformance

import (
	"net/http"
	"testing"
)

// endpoints are all methods of the API, each with a body that would do no harm.
var endpoints = map[string]string{
	"/api/list":           "{}",
	"/api/get":            `{"Name":"checks/absent"}`,
	"/api/info":           `{"Name":"checks/absent"}`,
	"/api/put":            `{"Name":""}`,
	"/api/create-version": `{"Name":""}`,
	"/api/activate":       `{"Name":""}`,
	"/api/delete":         `{"Name":"checks/absent"}`,
	"/api/delete-version": `{"Name":"checks/absent","Version":1}`,
}

func TestOnlyPostIsTaken(t *testing.T) {
	want := refused(http.StatusBadRequest, "only POST requests allowed")
	for path, body := range endpoints {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "post"} {
			wants(t, request{method: method, path: path, body: body}, want)
		}
		// HEAD is told the same, but for the body, which an answer to HEAD cannot have.
		want := want
		want.body = ""
		wants(t, request{method: "HEAD", path: path}, want)
	}
}

func TestContentTypeIsExactlyThatOfJSON(t *testing.T) {
	want := refused(http.StatusBadRequest, "request body must be json")
	for path, body := range endpoints {
		for _, given := range []string{
			"", "text/plain", "application/json; charset=utf-8", "Application/JSON",
			"application/json;", "application/json, text/plain", "application/vnd.x+json",
		} {
			header := map[string]string{"Content-Type": given}
			wants(t, request{path: path, header: header, body: body}, want)
		}
	}
}

func TestRequestsOfBrowsersAreDenied(t *testing.T) {
	for path, body := range endpoints {
		for _, given := range []string{"", "Setec", "SETEC", "setec2", "1"} {
			header := map[string]string{"Sec-X-Tailscale-No-Browsers": given}
			wants(t, request{path: path, header: header, body: body}, denied)
		}
	}
}

func TestCallersThatCannotBeIdentifiedAreAnInternalError(t *testing.T) {
	valid := tokenOf(t, "admin")
	for path, body := range endpoints {
		wants(t, request{as: nobody, path: path, body: body}, unidentified)
		for _, given := range []string{
			"Bearer", "Bearer nobody-has-this-token", "Bearer " + valid + "x", "Bearer " + valid[1:],
			"Basic " + encoded("admin:"+valid), valid,
		} {
			wants(t, request{authorization: given, path: path, body: body}, unidentified)
		}
	}
}

func TestChecksAreMadeInTheOrderOfSetec(t *testing.T) {
	for path := range endpoints {
		// Everything is wrong; each step puts the next thing right.
		asked := request{
			as: nobody, method: "PUT", path: path, body: "{",
			header: map[string]string{"Content-Type": "", "Sec-X-Tailscale-No-Browsers": ""},
		}
		wants(t, asked, refused(http.StatusBadRequest, "only POST requests allowed"))
		asked.method = "POST"
		wants(t, asked, refused(http.StatusBadRequest, "request body must be json"))
		delete(asked.header, "Content-Type")
		wants(t, asked, denied)
		delete(asked.header, "Sec-X-Tailscale-No-Browsers")
		wants(t, asked, unidentified)
		asked.as = "bystander"
		wants(t, asked, badRequest)
	}
}

func TestArgumentsAreCheckedBeforePermissionsOnlyWhereSetecDoes(t *testing.T) {
	const nobodys = "checks/nobodys"
	for _, tc := range []struct {
		path, body string
		want       answer
	}{
		// Before: an empty name, and version 0 of create-version.
		{"/api/put", `{"Name":""}`, internalError},
		{"/api/create-version", `{"Name":"","Version":0}`, internalError},
		{"/api/create-version", object("Name", nobodys, "Version", 0), versionInvalid},
		{"/api/activate", `{"Name":"","Version":0}`, internalError},
		// After: everything else.
		{"/api/get", `{"Name":""}`, denied},
		{"/api/info", `{"Name":""}`, denied},
		{"/api/put", object("Name", "_internal/x"), denied},
		{"/api/activate", object("Name", nobodys, "Version", 0), denied},
		{"/api/delete", `{"Name":""}`, denied},
		{"/api/delete-version", `{"Name":"","Version":0}`, denied},
		{"/api/delete-version", object("Name", nobodys, "Version", 0), denied},
	} {
		wants(t, request{as: "bystander", path: tc.path, body: tc.body}, tc.want)
	}
}

func TestHeadersOfAllowedRequestsNeedNotBeThoseOfTheClient(t *testing.T) {
	name := stored(t, "checks/headers", "value")
	want := answered(`{"Value":"dmFsdWU=","Version":1}`)
	body := object("Name", name)
	for _, header := range []map[string]string{
		{"User-Agent": ""},
		{"Accept": "text/html"},
		{"Accept-Encoding": "gzip"},
		{"Content-Encoding": "gzip"},
		{"Origin": "https://evil.example"},
		{"Cookie": "a=b"},
		{"Expect": "100-continue"},
		{"X-Forwarded-For": "203.0.113.9"},
	} {
		wants(t, request{path: "/api/get", header: header, body: body}, want)
	}
	wants(t, request{path: "/api/get?Name=other", body: body}, want)
	wants(t, request{path: "/api/%67et", body: body}, want)
}
