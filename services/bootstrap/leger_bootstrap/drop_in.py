"""Drop-ins for units and Quadlets, as `legerd bootstrap` writes them."""

_HEADER = "# Written by `legerd bootstrap` for this host; changes are lost when it runs again.\n"


def drop_in(**sections: list[str]) -> str:
    """Return the text of a drop-in with these lines in these sections."""
    text = _HEADER
    for name, lines in sections.items():
        text += "\n".join(["", f"[{name}]", *lines, ""])
    return text
