"""Training: one loop for every GAN, and the run folder around it.

:mod:`loop` takes turns; :mod:`run` decides when to look, log, save and stop; :mod:`start` reads and refuses folders.
"""
