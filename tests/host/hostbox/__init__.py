"""A real systemd and podman host, booted in namespaces, for tests of leger."""
