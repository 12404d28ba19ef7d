package conformance

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// request is one raw request. The zero value of each field is what setec's client would send.
type request struct {
	// as is the principal; "admin" when empty, none when nobody.
	as string
	// authorization takes the place of the principal's header.
	authorization string
	// method is POST when empty.
	method string
	path   string
	// header changes headers: an empty value takes the header away.
	header map[string]string
	body   string
}

// nobody sends no token.
const nobody = "nobody"

// answer is all of an answer that setec promises.
type answer struct {
	status      int
	contentType string
	nosniff     string
	body        string
}

// refused is how setec refuses: by Go's http.Error.
func refused(status int, message string) answer {
	return answer{status, "text/plain; charset=utf-8", "nosniff", message + "\n"}
}

// answered is how setec answers: JSON without a newline at its end.
func answered(body string) answer {
	return answer{http.StatusOK, "application/json", "", body}
}

var (
	empty = answered("{}")
	// setec sets a content type here too, but Go's net/http sends none with this status.
	unchanged      = answer{http.StatusNotModified, "", "", ""}
	badRequest     = refused(http.StatusBadRequest, "bad request")
	denied         = refused(http.StatusForbidden, "access denied")
	notFound       = refused(http.StatusNotFound, "not found")
	versionClaimed = refused(http.StatusPreconditionFailed, "version already set")
	versionInvalid = refused(http.StatusBadRequest, "invalid version, please specify a version > 0")
	internalError  = refused(http.StatusInternalServerError, "internal error")
	unidentified   = refused(http.StatusInternalServerError, "unable to identify caller")
)

// send sends the request on the wire and reads all of the answer.
func send(t *testing.T, asked request) answer {
	t.Helper()
	response := exchange(t, asked)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("Read the answer of %s: %v", asked.path, err)
	}
	return answer{
		status:      response.StatusCode,
		contentType: response.Header.Get("Content-Type"),
		nosniff:     response.Header.Get("X-Content-Type-Options"),
		body:        string(body),
	}
}

func exchange(t *testing.T, asked request) *http.Response {
	t.Helper()
	method := asked.method
	if method == "" {
		method = http.MethodPost
	}
	sent, err := http.NewRequest(method, target.Server+asked.path, strings.NewReader(asked.body))
	if err != nil {
		t.Fatalf("Make the request to %s: %v", asked.path, err)
	}
	sent.Header.Set("Content-Type", "application/json")
	sent.Header.Set("Sec-X-Tailscale-No-Browsers", "setec")
	switch {
	case asked.authorization != "":
		sent.Header.Set("Authorization", asked.authorization)
	case asked.as == "":
		sent.Header.Set("Authorization", "Bearer "+tokenOf(t, "admin"))
	case asked.as != nobody:
		sent.Header.Set("Authorization", "Bearer "+tokenOf(t, asked.as))
	}
	for name, value := range asked.header {
		if value == "" {
			sent.Header.Del(name)
		} else {
			sent.Header.Set(name, value)
		}
	}
	response, err := transport.RoundTrip(sent)
	if err != nil {
		t.Fatalf("%s %s: %v", method, asked.path, err)
	}
	return response
}

// wants compares an answer with the one that setec gives.
func wants(t *testing.T, asked request, want answer) {
	t.Helper()
	if got := send(t, asked); got != want {
		t.Errorf("%s %s %s:\n got %+v\nwant %+v", asked.method, asked.path, asked.body, got, want)
	}
}

// object returns a JSON object of these names and values, in their order.
func object(pairs ...any) string {
	var members []string
	for i := 0; i < len(pairs); i += 2 {
		name, _ := json.Marshal(pairs[i])
		value, _ := json.Marshal(pairs[i+1])
		members = append(members, string(name)+":"+string(value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// encoded returns text as values travel: in padded standard base64.
func encoded(text string) string {
	return base64.StdEncoding.EncodeToString([]byte(text))
}
