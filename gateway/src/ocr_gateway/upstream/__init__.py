"""The way to the model servers: where they are, which one is free, and what to do when one fails."""
