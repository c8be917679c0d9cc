"""Architectures, one paper a file: functions ``(g: Kit, d: Kit, *, options)`` that return the networks by name."""
