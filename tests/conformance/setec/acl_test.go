package conformance

import (
	"encoding/json"
	"reflect"
	"testing"
)

// attempt is a request for an action, on a secret that must exist and have versions 1 and 2.
func attempt(t *testing.T, as, action, name string) answer {
	t.Helper()
	body := map[string]string{
		"get":            object("Name", name),
		"info":           object("Name", name),
		"put":            object("Name", name, "Value", encoded("put")),
		"create-version": object("Name", name, "Version", 9),
		"activate":       object("Name", name, "Version", 2),
		"delete":         object("Name", name),
		"delete-version": object("Name", name, "Version", 2),
	}[action]
	return send(t, request{as: as, path: "/api/" + action, body: body})
}

func TestEachActionPermitsItsOwnMethodsAlone(t *testing.T) {
	permits := map[string][]string{
		"get":            {"get"},
		"info":           {"info"},
		"put":            {"put"},
		"create-version": {"create-version"},
		"activate":       {"activate"},
		"delete":         {"delete", "delete-version"},
	}
	methods := []string{
		"get", "info", "put", "create-version", "activate", "delete", "delete-version",
	}
	for granted, permitted := range permits {
		for _, method := range methods {
			name := stored(t, "acl/each", "one", "two")
			got := attempt(t, "only-"+granted, method, name)
			may := false
			for _, each := range permitted {
				may = may || each == method
			}
			if may && got.status != 200 || !may && got != denied {
				t.Errorf("%s with a grant of %s: got %+v", method, granted, got)
			}
		}
	}
}

func TestListNeedsInfo(t *testing.T) {
	name := stored(t, "listed/acl", "one")
	info := `{"Name":"` + name + `","Versions":[1],"ActiveVersion":1}`
	wants(t, request{as: "lister", path: "/api/list", body: "{}"}, answered("["+info+"]"))
	for _, principal := range []string{
		"only-get", "only-put", "only-create-version", "only-activate", "only-delete", "bystander",
	} {
		wants(t, request{as: principal, path: "/api/list", body: "{}"}, answered("null"))
	}
}

func TestDenialsDoNotTellWhatExists(t *testing.T) {
	exists := stored(t, "acl/exists", "one", "two")
	for _, name := range []string{exists, "acl/does-not-exist"} {
		for _, action := range []string{
			"get", "info", "put", "create-version", "activate", "delete", "delete-version",
		} {
			if got := attempt(t, "bystander", action, name); got != denied {
				t.Errorf("%s of %s: got %+v", action, name, got)
			}
		}
	}
}

func TestRulesAddUp(t *testing.T) {
	anywhere := []string{"info", "put", "create-version", "activate"}
	for name, allowed := range map[string][]string{
		"control/foo":    append([]string{"get"}, anywhere...),
		"control/bar":    append([]string{"get"}, anywhere...),
		"control/quux":   anywhere,
		"something/else": anywhere,
		"dev":            anywhere,
		"dev/foo":        append([]string{"delete"}, anywhere...),
		"dev/bar/quux":   append([]string{"delete"}, anywhere...),
	} {
		may := map[string]bool{}
		for _, action := range allowed {
			may[action] = true
		}
		for _, action := range []string{
			"get", "info", "put", "create-version", "activate", "delete",
		} {
			stored(t, name, "one", "two")
			got := attempt(t, "rules", action, name)
			if may[action] && got.status != 200 || !may[action] && got != denied {
				t.Errorf("%s of %s: got %+v, want allowed: %v", action, name, got, may[action])
			}
		}
	}
}

func TestOnlyTheStarIsAWildcard(t *testing.T) {
	// The principal "patterns" may see: exact  head/*  */tail  a*b*c  q?x  [ab]x
	visible := []string{
		"[ab]x", "a-b-c", "a/b/c", "abc", "abcbc", "exact", "head/a/b", "head/x", "q?x", "x/tail",
		"x/y/tail",
	}
	hidden := []string{
		"Exact", "ab", "acb", "ax", "bx", "exact/x", "head", "qzx", "tail", "x/tail/y", "xexact",
	}
	for _, name := range append(visible, hidden...) {
		stored(t, name, "one")
	}
	var listed []struct{ Name string }
	got := send(t, request{as: "patterns", path: "/api/list", body: "{}"})
	if err := json.Unmarshal([]byte(got.body), &listed); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	var names []string
	for _, secret := range listed {
		names = append(names, secret.Name)
	}
	if !reflect.DeepEqual(names, visible) {
		t.Errorf("got %q, want %q", names, visible)
	}
	for _, name := range visible {
		if got := attempt(t, "patterns", "info", name); got.status != 200 {
			t.Errorf("info of %s: got %+v", name, got)
		}
	}
	for _, name := range hidden {
		if got := attempt(t, "patterns", "info", name); got != denied {
			t.Errorf("info of %s: got %+v, want denied", name, got)
		}
	}
}
