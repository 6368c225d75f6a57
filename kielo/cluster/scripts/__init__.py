"""From a job to its sbatch file: directives and a quoted bash body."""
