"""The suite's own fast potential: body-ordered invariants, solved in closed form."""
