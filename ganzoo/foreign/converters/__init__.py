"""Converters, each of the files of one project: which of our tensors is which of theirs."""
