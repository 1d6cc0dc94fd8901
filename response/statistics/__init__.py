"""Pure statistics on sufficient statistics: n, Σy and Σy² of each arm go in, numbers come out. No database, no words."""
