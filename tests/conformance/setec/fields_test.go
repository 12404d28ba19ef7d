package conformance

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/tailscale/setec/client/setec"
)

// pair is read from binary.
type pair [2]string

// UnmarshalBinary splits at a colon.
func (p *pair) UnmarshalBinary(text []byte) error {
	head, tail, found := bytes.Cut(text, []byte(":"))
	if !found {
		return errors.New("no colon")
	}
	p[0], p[1] = string(head), string(tail)
	return nil
}

// settings is read from JSON.
type settings struct {
	X string `json:"x"`
	Y bool   `json:"y"`
}

// configuration has a field of each kind that setec fills.
type configuration struct {
	Text    string       `setec:"text"`
	Bytes   []byte       `setec:"bytes"`
	Handle  setec.Secret `setec:"handle"`
	Pair    pair         `setec:"pair"`
	Pointer *pair        `setec:"pointer"`
	JSON    settings     `setec:"json,json"`
	Number  int          `setec:"number,json"`
	Time    time.Time    `setec:"time,json"`
	Other   int          // no tag: left alone
}

func TestFieldsAreFilledFromTheServer(t *testing.T) {
	for name, value := range map[string]string{
		"text": "1", "bytes": "2", "handle": "3", "pair": "kumquat:quince", "pointer": "peach:durian",
		"json": `{"x":"hello","y":true}`, "number": "12345", "time": `"2023-10-06T12:34:56Z"`,
	} {
		stored(t, "fields/dev/"+name, value)
	}
	got := configuration{Other: 25}
	store := newStore(t, setec.StoreConfig{
		Structs: []setec.Struct{{Value: &got, Prefix: "fields/dev"}},
	})
	if got.Handle.GetString() != "3" {
		t.Errorf("Handle: got %q", got.Handle.GetString())
	}
	got.Handle = nil // a function cannot be compared
	want := configuration{
		Text: "1", Bytes: []byte("2"), Pair: pair{"kumquat", "quince"},
		Pointer: &pair{"peach", "durian"}, JSON: settings{"hello", true}, Number: 12345,
		Time: time.Date(2023, 10, 6, 12, 34, 56, 0, time.UTC), Other: 25,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}

	var again configuration
	fields, err := setec.ParseFields(&again, "fields/dev")
	if err != nil {
		t.Fatalf("ParseFields: %v", err)
	}
	succeeds(t, fields.Apply(t.Context(), store))
	if again.Text != "1" || again.Number != 12345 {
		t.Errorf("Apply: got %+v", again)
	}
}

func TestFieldsWithoutASecretAreAnError(t *testing.T) {
	var value struct {
		Absent string `setec:"absent"`
	}
	fields, err := setec.ParseFields(&value, "fields")
	if err != nil {
		t.Fatalf("ParseFields: %v", err)
	}
	store := newStore(t, setec.StoreConfig{AllowLookup: true})
	if err := fields.Apply(t.Context(), store); err == nil {
		t.Error("Apply: no error")
	}
}
