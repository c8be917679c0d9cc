"""Weights of other projects' translators, as models of this package."""
