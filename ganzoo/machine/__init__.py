"""The machine: devices, mixed precision, compilation, determinism, memory, and ``ganzoo doctor``."""
