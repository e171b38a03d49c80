"""The model server: text recognition with ONNX Runtime behind the Open Inference Protocol."""
