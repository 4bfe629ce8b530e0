"""Vendors whose ways are data: see presets.toml beside this file."""

from oauthreg.presets import load

__getattr__ = load(__name__)
