"""Seeds derived from where random numbers are used, so that no generator's state has to be saved."""

from hashlib import blake2b


def derive(*names: int | str) -> int:
    """A seed in [0, 2**63) that depends on every one of ``names`` and looks unrelated for neighbouring numbers."""
    text = ",".join(name if isinstance(name, str) else str(int(name)) for name in names).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1
