"""What a potential is for: molecular dynamics, spectra, distances, and how far they can be trusted."""
