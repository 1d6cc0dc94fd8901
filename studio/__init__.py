"""Pages for managers and analysts, served on this machine only."""
