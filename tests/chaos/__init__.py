"""Users and faults by the dice against the real operator and API; in the end all must be right."""
