"""The web: pages and what they are made of."""
