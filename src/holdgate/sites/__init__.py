"""Sites: what runs where. Business hub, floor hub and nodes share one spine; the Vault only looks and cosigns."""
