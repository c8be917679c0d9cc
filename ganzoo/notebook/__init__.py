"""Models, runs and scores as a person sees them in Python: a few lines in a terminal, HTML with pictures in a notebook.

Whatever a model's folder says is a stranger's text: it is escaped. Nothing here raises: what cannot be shown is left
out, and said.
"""
