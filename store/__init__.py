"""Session, clock, columns, tokens and errors: no tables and no business words."""
