# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift people to 3D and draw them: ``mmdiffpose infer``."""

from mmdiffpose.cli.infer import main

if __name__ == '__main__':
    main()
