"""A cluster on one host: Deployments become child processes, Services loopback ports. No orchestrator."""
