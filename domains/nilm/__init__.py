"""Non-intrusive load monitoring: the mains of a house in, its appliances out."""
