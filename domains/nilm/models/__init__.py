"""One way of splitting the mains a file: the paper, and its configuration on top."""
