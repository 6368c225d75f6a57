"""Hands the jobs of a plan to Slurm as one chain, each recorded as soon as it is queued."""
