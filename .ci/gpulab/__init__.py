"""What ``.ci/gpu`` does on a machine with a CUDA device, stage by stage, and the page that shows what came of it."""
