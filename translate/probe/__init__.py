"""`kielo probe`: what a model can do in a language, measured before any GPU-hour is spent, with a verdict by stage."""
