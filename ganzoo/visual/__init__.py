"""Pictures of models and runs: diagrams, attention maps, curves, walks through the noise."""
