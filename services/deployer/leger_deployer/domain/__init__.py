"""What a stack is, what may be done with it, and how the host is changed as one transaction."""
