"""From a plan to jobs: what is made together, on what, after which others; and what can be known wrong before any is queued."""
