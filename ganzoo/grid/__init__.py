"""``ganzoo grid``: many recipes times several seeds, as runs of ``ganzoo train``, and one table at the end.

:mod:`expand` makes recipes of a pattern, :mod:`plan` turns them into jobs, :mod:`runs` is one job, :mod:`local` and
:mod:`ray` spread jobs, :mod:`study` keeps track of them in a folder, and :mod:`table` says what came of it.
"""
