"""Documents that are read later: accepted, kept and read by whichever gateway is free."""
