"""Model cards and run records."""
