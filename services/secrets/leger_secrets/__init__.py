"""The secrets service: versioned secrets, handed to the systemd units that are bound to them."""
