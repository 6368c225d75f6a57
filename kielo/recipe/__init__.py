"""A recipe from its file to what its parts mean: read, links checked, mixes and trainings spelled out."""
