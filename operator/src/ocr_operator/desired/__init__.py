"""PURE: from an OCRService to the manifests of its children. One module per child kind."""
