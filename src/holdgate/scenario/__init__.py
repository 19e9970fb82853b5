"""Scenarios: files that say what a shop does and what must be answered, read here and played on real sites."""
