"""The KubeOCR operator: one OCRService resource becomes a production OCR endpoint."""
