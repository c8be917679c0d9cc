"""What guards a change that is to change no number: baselines of version 0.1.0, and two installations side by side.

``recipes`` says what is tried, ``measure`` measures it in this process, ``portable`` writes and checks
``tests/baselines``, ``same`` and ``pace`` run two interpreters against each other with ``worker`` in each, ``folders``
compares what they leave. Only the command line and ``build info list load train`` of ganzoo are used: what every
version has. See ``.ci/baselines.py`` for how it is called.
"""
