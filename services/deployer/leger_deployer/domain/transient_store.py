"""Podman's transient store: records of containers in memory alone (podman(1))."""

# With the value, though it is a switch: podman looks ahead for --host, --url, -c and the like in a
# pass that does not know this flag. Without "=" it takes the next word, `run`, for the value, and
# goes on into the options of the container's own program (seen with podman 5.4).
FLAG = "--transient-store=true"
