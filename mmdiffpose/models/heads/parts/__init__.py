# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What several lifting heads share."""
