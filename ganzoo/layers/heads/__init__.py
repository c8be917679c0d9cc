"""Ways for labels to enter a discriminator's last layer, on every trunk with features: one paper, one file."""
