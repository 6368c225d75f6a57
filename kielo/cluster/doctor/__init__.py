"""`kielo doctor`: a profile held against the cluster as it is."""
