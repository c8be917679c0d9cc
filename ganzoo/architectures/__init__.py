"""Architectures, one paper a file: functions ``(kit: Kit, *, options)`` that return one side's network."""
