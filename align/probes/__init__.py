"""Looks at tokens and model before a training, so that an ablation does what its name says."""
