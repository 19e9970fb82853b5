"""SMART-AI's advisor: reads what was recorded, charts it, and drafts a suggestion. It decides and signs nothing.

A tool beside the law, like the certifier: the law never imports it, and whatever it says enters as a signed
`tune.suggest` or `ai.suggest` that the contract bounds.
"""
