# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Simulated detections: noise and missing joints."""
