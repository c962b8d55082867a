"""A year of load from its weather: no load is known ahead, all of the weather is."""
