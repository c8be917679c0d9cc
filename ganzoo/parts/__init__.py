"""What the author of a part reads: the base classes of parts, and what they are handed in an update."""
