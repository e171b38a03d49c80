"""Who may ask, and how much: API keys and tokens, rates, and the name that a client goes by inside."""
