"""Several processes at one training: each holds a slice of the global batch."""
