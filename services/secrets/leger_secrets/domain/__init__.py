"""What a secret is, who gets which, and what is written down about it."""
