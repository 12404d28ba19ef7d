"""The options of a `podman` command line, as the generator wrote it."""

from collections.abc import Collection, Iterator, Sequence

# The options that leger reads; each takes a value.
_READ = frozenset({
    "--health-cmd", "--health-interval", "--health-retries", "--health-start-period",
    "--health-startup-cmd", "--health-startup-interval", "--health-startup-retries",
    "--health-timeout", "--mount", "--name", "--publish", "-p", "--pull", "--rootfs", "--sdnotify",
    "--secret", "--subnet", "--tag", "--userns", "--volume", "-v",
})  # fmt: skip


class PodmanCommand:
    """The options in front of the image, whose possible names are `images`.

    What follows the image is the container's own command and is not looked at.
    """

    def __init__(self, words: Sequence[str], *, images: Collection[str] = ()) -> None:
        self._options: dict[str, list[str]] = {}
        for name, value in _options(words, images):
            self._options.setdefault(name, []).append(value)

    def all(self, *names: str) -> list[str]:
        """Return the values of options."""
        return [value for name in names for value in self._options.get(name, ())]

    def last(self, name: str, default: str = "") -> str:
        """Return the value of an option that has one."""
        return self._options.get(name, [default])[-1]


def _options(words: Sequence[str], images: Collection[str]) -> Iterator[tuple[str, str]]:
    position = 1
    while position < len(words):
        word = words[position]
        position += 1
        if word in images:
            return
        name, equals, value = word.partition("=")
        if name not in _READ:
            continue
        if not equals:
            if position == len(words):
                return
            value = words[position]
            position += 1
        yield name, value
        if name == "--rootfs":  # it stands for the image
            return
