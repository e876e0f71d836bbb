"""Images: what is made of them, and what hostile ones cannot do."""
