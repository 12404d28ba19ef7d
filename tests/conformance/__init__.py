"""The launcher of the setec conformance suite; the suite itself is the Go module in setec/."""
