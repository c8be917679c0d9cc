"""Penalties on a discriminator's scores and gradients: one paper, one file."""
