"""Penstock runs AI applications on an immutable log."""

__version__ = "0.1.0"
