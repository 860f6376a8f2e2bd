# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What `fit_gmm` is made of: the start, the two steps and their loop."""
