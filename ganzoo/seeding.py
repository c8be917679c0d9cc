"""Seeds derived from where random numbers are used, so that no generator's state has to be saved."""

from hashlib import blake2b


def derive(*numbers: int) -> int:
    """A seed in [0, 2**63) that depends on every one of ``numbers`` and looks unrelated for neighbouring ones."""
    text = ",".join(str(int(number)) for number in numbers).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1
