"""Measurement: what a campaign changed, with its interval, and the reports that say so."""
