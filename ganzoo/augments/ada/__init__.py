"""Adaptive discriminator augmentation: the part in ``pipe``, and its transforms (arXiv 2006.06676, appendix B)."""
