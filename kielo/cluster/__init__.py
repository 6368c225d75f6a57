"""Handing a plan to a cluster: profiles say what the machine is, jobs what is asked of it, the run folder's `jobs/` what was."""
