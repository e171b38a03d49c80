"""OCRServices without a cluster, for tests: small programs in place of gateway and model server."""
