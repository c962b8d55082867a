"""The potentials of papers and the baselines beside them."""
