"""The registry: what parts there are, what their names and options mean, and which package each comes from."""
