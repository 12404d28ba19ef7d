"""setec's HTTP API (server/server.go), for clients that know no other way in."""
