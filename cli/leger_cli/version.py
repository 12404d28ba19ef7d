"""The version, as a constant: reading the package's metadata would cost more than a whole start."""

__version__ = "0.1.0"  # x-release-please-version
