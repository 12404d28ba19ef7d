"""The port to the time of day."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Answers the time now, in UTC."""
