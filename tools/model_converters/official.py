# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Convert published weights: ``mmdiffpose convert``."""

from mmdiffpose.cli.convert import main

if __name__ == '__main__':
    main()
