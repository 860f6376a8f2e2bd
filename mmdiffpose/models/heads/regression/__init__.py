# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Heads that give one pose."""
