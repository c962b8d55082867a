"""Files of users, whatever is wrong with them: read, repaired and said, or refused in one line."""
