"""The ground floor: a transformer core, learning, data sets, evaluation and reports. No word of any science."""
