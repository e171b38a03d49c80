"""What a fleet of OCRServices costs the operator and the API (`make bench-operator`)."""
