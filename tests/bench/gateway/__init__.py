"""What the gateway costs, beside the model servers that it stands before (`make bench-gateway`)."""
