"""The Kubernetes API behind the `Cluster` port."""
