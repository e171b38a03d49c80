"""Reading a page, one stage a module: pure functions over arrays; the only state is ONNX Runtime's sessions.

Images are uint8 RGB of shape (height, width, 3). Boxes are float32 of shape (n, 4, 2): for each box its
corners (x, y) in pixels, clockwise from the corner where reading starts.
"""
