"""The catalogue of data sets and the small sets that ship with the suite."""
