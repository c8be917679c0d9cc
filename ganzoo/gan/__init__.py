"""A GAN: networks built from a plan, and the game that they play."""
