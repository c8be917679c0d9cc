"""The folder of a model or a run: every file in it, and what may be believed of it."""
