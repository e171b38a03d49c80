"""From the models to the CustomResourceDefinitions; `python -m ocr_operator.crdgen DIR` writes them."""
