# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Test a trained model: ``mmdiffpose test``."""

from mmdiffpose.cli.test import main

if __name__ == '__main__':
    main()
