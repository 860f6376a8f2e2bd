# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifters as files that other runtimes run.

What is here needs the packages of the extra ``export``: onnx, onnxscript and
onnxruntime to write such a file, onnxruntime to run one.
"""
