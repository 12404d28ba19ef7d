package conformance

import (
	"testing"
)

const never = 4242 // a version that no secret of these tests has

func TestUnknownSecretsAndVersions(t *testing.T) {
	name := stored(t, "statuses/known", "one", "two")
	const unknown = "statuses/unknown"
	for _, tc := range []struct {
		path, body string
		want       answer
	}{
		{"/api/get", object("Name", unknown), notFound},
		{"/api/get", object("Name", unknown, "Version", 1), notFound},
		{"/api/get", object("Name", unknown, "Version", 1, "UpdateIfChanged", true), notFound},
		{"/api/get", object("Name", name, "Version", never), notFound},
		{"/api/info", object("Name", unknown), notFound},
		{"/api/activate", object("Name", unknown, "Version", 1), notFound},
		{"/api/activate", object("Name", name, "Version", never), notFound},
		{"/api/delete", object("Name", unknown), empty},
		{"/api/delete-version", object("Name", unknown, "Version", 1), notFound},
		{"/api/delete-version", object("Name", name, "Version", never), notFound},
	} {
		wants(t, request{path: tc.path, body: tc.body}, tc.want)
	}
}

func TestVersionZero(t *testing.T) {
	name := stored(t, "statuses/zero", "one")
	const unknown = "statuses/unknown"
	for _, tc := range []struct {
		path, body string
		want       answer
	}{
		{"/api/get", object("Name", name, "Version", 0), answered(`{"Value":"b25l","Version":1}`)},
		{"/api/create-version", object("Name", name, "Version", 0), versionInvalid},
		{"/api/create-version", object("Name", name), versionInvalid},
		{"/api/create-version", object("Name", unknown, "Version", 0), versionInvalid},
		{"/api/activate", object("Name", name, "Version", 0), internalError},
		{"/api/activate", object("Name", unknown, "Version", 0), internalError},
		{"/api/delete-version", object("Name", name, "Version", 0), internalError},
		{"/api/delete-version", object("Name", unknown, "Version", 0), internalError},
	} {
		wants(t, request{path: tc.path, body: tc.body}, tc.want)
	}
	wants(t, request{path: "/api/info", body: object("Name", name)},
		answered(`{"Name":"statuses/zero","Versions":[1],"ActiveVersion":1}`))
}

func TestTheEmptyName(t *testing.T) {
	for _, tc := range []struct {
		path, body string
		want       answer
	}{
		{"/api/get", `{"Name":""}`, notFound},
		{"/api/info", `{"Name":""}`, notFound},
		{"/api/put", `{"Name":"","Value":"dg=="}`, internalError},
		{"/api/create-version", `{"Name":"","Version":1,"Value":"dg=="}`, internalError},
		{"/api/activate", `{"Name":"","Version":1}`, internalError},
		{"/api/delete", `{"Name":""}`, empty},
		{"/api/delete-version", `{"Name":"","Version":1}`, notFound},
	} {
		wants(t, request{path: tc.path, body: tc.body}, tc.want)
	}
}

func TestInternalNamesAreNotWritten(t *testing.T) {
	const name = "_internal/unknown"
	for _, tc := range []struct {
		path, body string
		want       answer
	}{
		{"/api/get", object("Name", name), notFound},
		{"/api/info", object("Name", name), notFound},
		{"/api/put", object("Name", name, "Value", "dg=="), internalError},
		{"/api/activate", object("Name", name, "Version", 1), internalError},
		{"/api/delete", object("Name", name), internalError},
		{"/api/delete-version", object("Name", name, "Version", 1), internalError},
	} {
		wants(t, request{path: tc.path, body: tc.body}, tc.want)
	}
}

func TestTheActiveVersionCannotBeDeleted(t *testing.T) {
	name := stored(t, "statuses/active", "one", "two")
	remove := func(version uint32) request {
		return request{path: "/api/delete-version", body: object("Name", name, "Version", version)}
	}
	wants(t, remove(1), internalError)
	wants(t, request{path: "/api/activate", body: object("Name", name, "Version", 2)}, empty)
	wants(t, remove(2), internalError)
	wants(t, remove(1), empty)
	wants(t, remove(1), notFound)
	wants(t, request{path: "/api/get", body: object("Name", name)},
		answered(`{"Value":"dHdv","Version":2}`))
}

func TestAUsedVersionNumberIsClaimedForGood(t *testing.T) {
	name := stored(t, "statuses/claimed", "one", "two")
	create := func(version uint32, value string) request {
		body := object("Name", name, "Version", version, "Value", encoded(value))
		return request{path: "/api/create-version", body: body}
	}
	wants(t, create(1, "one"), versionClaimed)
	wants(t, create(2, "other"), versionClaimed)
	wants(t, request{path: "/api/delete-version", body: object("Name", name, "Version", 2)}, empty)
	wants(t, create(2, "two"), versionClaimed)
	wants(t, create(3, "three"), empty)
	// Only deleting the whole secret forgets which numbers were used.
	wants(t, request{path: "/api/delete", body: object("Name", name)}, empty)
	wants(t, create(2, "again"), empty)
}

func TestActivatingTheActiveVersionChangesNothing(t *testing.T) {
	name := stored(t, "statuses/again", "one")
	activate := request{path: "/api/activate", body: object("Name", name, "Version", 1)}
	wants(t, activate, empty)
	wants(t, activate, empty)
}
