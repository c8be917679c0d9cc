"""Training steps and samples of other libraries, as their own code makes them, to be measured beside ganzoo's.

One library a file; each is an entry point of the group ``ganzoo.peers``, imported when ``ganzoo bench --against`` asks
for it. :mod:`rival` trains one for so many minutes and draws images for ``ganzoo eval``.
"""
