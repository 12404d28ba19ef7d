"""One module a noun: each command parses, makes one client call, and renders once."""
