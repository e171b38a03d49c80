"""`make soak`: mixed traffic on a real node while the service is changed, and every request accounted for."""
