"""Trained generators elsewhere: as ONNX, as a program of ``torch.export``, as a page that draws by itself, for Core ML.

Each file is made from one network, :class:`ganzoo.exporting.sampler.Sampler`, and none takes its name before what it
draws was compared with what the model draws.
"""
