"""The machine: devices, arithmetic, memory, and what ``ganzoo doctor`` finds out about them."""
