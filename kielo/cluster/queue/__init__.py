"""What Slurm is told and asked, and the run folder's record of it."""
