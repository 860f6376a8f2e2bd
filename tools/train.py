# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train a model from its config: ``mmdiffpose train``."""

from mmdiffpose.cli.train import main

if __name__ == '__main__':
    main()
