"""The HTTP door of an OCR service: documents in, text out, model servers behind it."""
