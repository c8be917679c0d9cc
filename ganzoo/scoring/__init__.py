"""Scores of models by reference: measured, verified, compared and ranked."""
