# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Diffusion on poses: schedules, mixtures, processes, samplers in torch."""
