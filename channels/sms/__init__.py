"""SMS: plain text, billed by the segment."""
