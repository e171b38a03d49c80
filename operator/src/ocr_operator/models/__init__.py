"""The OCRService resource as frozen pydantic models: the single source of the CRD."""
