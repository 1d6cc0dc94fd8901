"""What is checked once a flow could be read: one module for each kind of question."""
