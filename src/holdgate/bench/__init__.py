"""The bench: what a site costs, measured on real sites with real keys, a real contract and a real disk."""
