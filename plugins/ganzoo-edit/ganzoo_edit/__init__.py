"""Editing on the manifold of a generator (iGAN, Zhu et al. 2016, arXiv 1609.03552): a photo's noise, and a canvas.

``ganzoo project`` finds the noise whose image is nearest to a photo; ``ganzoo paint`` lets a person draw on an image
and moves its noise so that the model follows. Both work with every noise-to-image model of ganzoo.
"""
