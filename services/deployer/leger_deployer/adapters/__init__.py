"""The host as the domain's ports see it: systemd, podman, the secrets service, the disk."""
