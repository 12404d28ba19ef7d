package conformance

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// page gets an HTML page and returns its body after checking the rest.
func page(t *testing.T, as, path string) string {
	t.Helper()
	// No header of the API is needed: the page is for browsers.
	got := send(t, request{as: as, method: "GET", path: path, header: map[string]string{
		"Content-Type": "", "Sec-X-Tailscale-No-Browsers": "",
	}})
	if got.status != http.StatusOK || got.contentType != "text/html; charset=utf-8" {
		t.Errorf("GET %s: got %+v", path, got)
	}
	return got.body
}

// rows returns the cells of the page's table, with the active version in asterisks.
func rows(body string) [][2]string {
	cells := regexp.MustCompile(`(?s)<td>(.*?)</td>\s*<td>(.*?)</td>`)
	bold := strings.NewReplacer("<b>", "*", "</b>", "*")
	var found [][2]string
	for _, row := range cells.FindAllStringSubmatch(body, -1) {
		found = append(found, [2]string{
			html.UnescapeString(strings.TrimSpace(row[1])),
			strings.Join(strings.Fields(bold.Replace(row[2])), " "),
		})
	}
	return found
}

func TestThePageListsWhatTheCallerMaySee(t *testing.T) {
	name := stored(t, "listed/page", "one", "two", "three")
	succeeds(t, admin(t).Activate(t.Context(), name, 2))
	stored(t, "unlisted/page", "hidden")
	got := rows(page(t, "lister", "/"))
	if len(got) != 1 || got[0] != [2]string{name, "1, *2*, 3"} {
		t.Errorf("got %q", got)
	}
	if got := rows(page(t, "bystander", "/")); len(got) != 0 {
		t.Errorf("a caller who may see nothing sees %q", got)
	}
}

func TestEveryUnknownPathIsThePage(t *testing.T) {
	stored(t, "listed/anywhere", "one")
	for _, path := range []string{"/", "/x", "/api", "/api/", "/api/none", "/api/get/", "/a?b=c"} {
		if got := rows(page(t, "lister", path)); len(got) != 1 {
			t.Errorf("GET %s: got %q", path, got)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			wants(t, request{method: method, path: path},
				refused(http.StatusBadRequest, "invalid method"))
		}
	}
	wants(t, request{as: nobody, method: "POST", path: "/"},
		refused(http.StatusBadRequest, "invalid method"))
	wants(t, request{as: nobody, method: "GET", path: "/"}, unidentified)
	head := refused(http.StatusBadRequest, "invalid method")
	head.body = ""
	wants(t, request{method: "HEAD", path: "/"}, head)
}

func TestTheStyleSheetNeedsNoToken(t *testing.T) {
	got := send(t, request{as: nobody, method: "GET", path: "/static/style.css"})
	if got.status != http.StatusOK || got.contentType != "text/css; charset=utf-8" {
		t.Errorf("got %+v", got)
	}
	wants(t, request{as: nobody, method: "GET", path: "/static/none.css"},
		refused(http.StatusNotFound, "404 page not found"))
}

func TestThePageEscapesNames(t *testing.T) {
	const name = `listed/<script>alert("1")</script>&`
	stored(t, name, "one")
	body := page(t, "lister", "/")
	if strings.Contains(body, "<script>") {
		t.Errorf("the name is not escaped: %s", body)
	}
	if got := rows(body); len(got) != 1 || got[0][0] != name {
		t.Errorf("got %q", got)
	}
}

func TestThePageNeverHasAValue(t *testing.T) {
	stored(t, "listed/value", "the value of it")
	body := page(t, "admin", "/")
	if strings.Contains(body, "the value of it") || strings.Contains(body, encoded("the value of it")) {
		t.Error("the page has a value")
	}
}
