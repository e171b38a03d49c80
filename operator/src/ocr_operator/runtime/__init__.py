"""What runs a level-based controller: queue, workers, resync, metrics and health. It knows no cluster."""
