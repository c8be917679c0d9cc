"""Publishing a model: pushed as it is, or converted to weights in half as many bytes."""
