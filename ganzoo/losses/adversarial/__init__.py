"""Adversarial losses: one paper, one file."""
