"""The version of the whole distribution, as services tell it."""

__version__ = "0.1.0"  # x-release-please-version
