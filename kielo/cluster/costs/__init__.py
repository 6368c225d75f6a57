"""What the jobs of a plan ask for and cost: `kielo plan --profile`."""
