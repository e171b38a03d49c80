"""`kubectl ocr`: what a person does with an OCRService, by the kubectl that they have."""
