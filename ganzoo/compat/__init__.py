"""What version 0.1.0 called things: its import paths and names go on working, each with one warning.

:mod:`ganzoo.compat.table` is the only list of them; :mod:`ganzoo.compat.lookup` looks there when nothing else has a
module or a name, so that what is spelled as today costs nothing.
"""
