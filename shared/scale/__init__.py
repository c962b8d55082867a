"""Many series: read lazily, worked on chunk by chunk, alone or on a dask cluster, written as they are done."""
