"""A model as a page to play with, made with Gradio: here (``ganzoo demo``), in a notebook, or as a Space of the Hub.

:mod:`model` draws what the page asks for and imports no Gradio, :mod:`page` is the page, :mod:`server` serves it on
this machine. What a page has follows from what the model declares: its inputs, its labels, its prior, its w.
"""
