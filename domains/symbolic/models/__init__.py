"""Networks of the symbolic domain, one paper a file."""
