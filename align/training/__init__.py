"""One training, from job.json to model/: arguments, processes, checkpoints, stopping, metrics, weights."""
