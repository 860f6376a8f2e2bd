# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What comes from and goes to disk: keypoint files in, results out."""
