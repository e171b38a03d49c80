"""The only I/O of the operator: the port and its two adapters, `kube/` and `local/`."""
