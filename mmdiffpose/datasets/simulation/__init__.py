# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Simulated detections, missing joints, other bodies and motions."""
