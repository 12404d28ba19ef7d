// Package upstream runs setec's own server where there is no tailnet: its real handlers, database
// and audit log, with a bearer token in the place of Tailscale's whois.
package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/tailscale/setec/acl"
	"github.com/tailscale/setec/audit"
	"github.com/tailscale/setec/server"
	"tailscale.com/client/tailscale/apitype"
	"tailscale.com/tailcfg"
)

// Principal is a caller: the token it shows, and what it may do.
type Principal struct {
	Token  string     `json:"token"`
	Grants []acl.Rule `json:"grants"`
}

// A server's files in its state directory, as upstream's own command names them (cmd/setec,
// runServer).
const (
	DatabaseName = "database"
	auditName    = "audit.log"
)

// Handler opens or creates the state in dir and returns the server's handler. Principals are by
// name. A request whose bearer token is nobody's is one whose whois fails.
func Handler(ctx context.Context, dir string, principals map[string]Principal) (http.Handler, error) {
	kek, err := KeyEncryptionKey(dir)
	if err != nil {
		return nil, err
	}
	log, err := audit.NewFile(filepath.Join(dir, auditName))
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	directory, err := newDirectory(principals)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if _, err := server.New(ctx, server.Config{
		DBPath:   filepath.Join(dir, DatabaseName),
		Key:      kek,
		AuditLog: log,
		WhoIs:    directory.whoIs,
		Mux:      mux,
	}); err != nil {
		return nil, err
	}
	return withToken(mux), nil
}

// tokenKey is the context key of a request's bearer token: whois is given the context and the
// address, and callers on loopback all have the same address.
type tokenKey struct{}

func withToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// RFC 6750, section 2.1; RFC 9110, section 11.1 makes the scheme case-insensitive.
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

// directory tells who a token belongs to.
type directory map[string]*apitype.WhoIsResponse

func newDirectory(principals map[string]Principal) (directory, error) {
	found := make(directory)
	for name, principal := range principals {
		var capabilities []tailcfg.RawMessage
		for _, rule := range principal.Grants {
			encoded, err := json.Marshal(rule)
			if err != nil {
				return nil, err
			}
			capabilities = append(capabilities, tailcfg.RawMessage(encoded))
		}
		found[principal.Token] = &apitype.WhoIsResponse{
			Node:        &tailcfg.Node{Name: "loopback.example.ts.net."},
			UserProfile: &tailcfg.UserProfile{LoginName: name + "@example.com"},
			CapMap:      tailcfg.PeerCapMap{server.ACLCap: capabilities},
		}
	}
	return found, nil
}

func (d directory) whoIs(ctx context.Context, _ string) (*apitype.WhoIsResponse, error) {
	token, _ := ctx.Value(tokenKey{}).(string)
	if who, known := d[token]; known && token != "" {
		return who, nil
	}
	return nil, errors.New("no peer has this token")
}
