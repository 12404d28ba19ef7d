"""`leger secrets`: all there is about secrets. Its modules are named in `app`."""

from leger_cli.commands.secrets.app import app

__all__ = ["app"]
