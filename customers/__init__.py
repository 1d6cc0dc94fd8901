"""People: who they are, what they allowed, what they bought, and every contact with them."""
