"""What many model servers would do: a simulation, held against the few that run here."""
