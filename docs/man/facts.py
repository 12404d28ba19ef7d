"""What the manual says of all commands together."""

from leger_runtime.errors import Kind

EXIT_CODES = {
    0: "It succeeded.",
    Kind.INTERNAL.value: "It failed for a reason that no other code stands for, or a question was "
    "not answered with yes.",
    Kind.USAGE.value: "The command line is not one that leger understands, or it needs a terminal "
    "to ask on.",
    Kind.NOT_SIGNED_IN.value: "Nobody is signed in.",
    Kind.NOT_PERMITTED.value: "This account may not do that.",
    Kind.NOT_FOUND.value: "A secret, token, stack, service, file or command to run does not exist.",
    Kind.CONFLICT.value: "Something that is there is in the way, the host is not ready for it, or "
    "the audit log is broken.",
    Kind.INVALID.value: "The input is wrong: a Quadlet, a name, a value.",
    Kind.UNAVAILABLE.value: "A service, podman or the disk is not available; leger doctor "
    "found a problem.",
    130: "It was interrupted.",
}

ENVIRONMENT = {
    "NO_COLOR": "When it is set, leger uses no colours.",
    "XDG_RUNTIME_DIR": "Where the sockets of this account's own services are, below leger/.",
}

FILES = {
    "/run/leger": "The sockets of the machine's services.",
    "$XDG_RUNTIME_DIR/leger": "The sockets of this account's own services.",
    "/etc/leger/leger.toml": "How the machine's services run; each option is explained in it.",
    "~/.config/leger/leger.toml": "How this account's own services run.",
    "/etc/leger/policy.toml": "Who else may do what with the machine's secrets.",
    "~/.config/leger/policy.toml": "Who else may do what with this account's own secrets.",
}

OUTPUT = """
Results go to standard output; progress, hints and errors go to standard error. In a pipe tables
are not wrapped and have no colours.

An error says what happened, why, and after an arrow what to do next. With --json it is one object
on a line of standard error, {"error": {"reason", "exit_code", "what", "why", "next", "fields"}},
and standard output stays empty. A reason never changes once released; the texts may.
""".strip().split("\n\n")
