package conformance

import "testing"

func TestARevokedTokenIsNobodys(t *testing.T) {
	if target.Kind == "setec" {
		t.Skip("setec has no tokens")
	}
	for path, body := range endpoints {
		wants(t, request{as: "revoked", path: path, body: body}, unidentified)
	}
	wants(t, request{as: "revoked", method: "GET", path: "/"}, unidentified)
}

func TestTheSchemeOfATokenMayBeWrittenInAnyCase(t *testing.T) {
	// RFC 9110, section 11.1.
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		shown := scheme + " " + tokenOf(t, "bystander")
		wants(t, request{authorization: shown, path: "/api/list", body: "{}"}, answered("null"))
	}
}
