"""Layers: normalizations, weight reparametrisations, attention, conditioning, resampling, residual blocks."""
