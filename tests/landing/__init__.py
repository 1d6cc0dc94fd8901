"""The landing pages, over a real server, on both databases."""
