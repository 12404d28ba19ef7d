"""Small stacks for tests, on the one image that every box has."""

# Has python3, curl is not in it; see examples/notes/images.
IMAGE = "localhost/leger-examples/notes-web:1"


def sleeper(*lines: str, service: str = "", unit: str = "") -> str:
    """Return a container that only sleeps, with more lines for its sections."""
    container = "\n".join(lines)
    return f"""[Unit]
Description=Sleeps
{unit}

[Container]
Image={IMAGE}
Pull=never
Entrypoint=["/usr/bin/sleep", "infinity"]
Exec=
StopTimeout=0
{container}

[Service]
TimeoutStartSec=30
{service}

[Install]
WantedBy=multi-user.target default.target
"""
