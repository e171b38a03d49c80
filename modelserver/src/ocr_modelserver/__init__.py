"""The model server: pages in, text out, by the Open Inference Protocol over ONNX Runtime."""

import os

# ONNX Runtime 1.32 has telemetry that uploads from Linux too; it looks here once, when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
