"""What the trainings of a plan cost, by arithmetic: no model is loaded."""
