"""Training: one loop for every GAN, and the run folder around it.

:mod:`config` says what can be asked for, :mod:`train` begins, resumes or forks a run; :mod:`loop` takes its steps,
:mod:`session` decides when they are looked at, logged, saved and ended, :mod:`guard` notices collapse and divergence.
"""
