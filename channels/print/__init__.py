"""Letters: PDF pages for a mail house, a batch at a time."""
