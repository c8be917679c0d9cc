"""Samplers: better noise for a trained generator, chosen or moved by what its discriminator says of the images."""
