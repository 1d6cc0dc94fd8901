"""Cleaning one cell: from the text that stands in a file to a value that the database may hold, or to the problem with it."""
