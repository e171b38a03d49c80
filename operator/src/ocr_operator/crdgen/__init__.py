"""From the models to the CustomResourceDefinition; `python -m ocr_operator.crdgen DIR` writes it."""
