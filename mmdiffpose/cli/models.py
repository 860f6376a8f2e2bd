# Copyright (c) mmdiffpose contributors. All rights reserved.
"""List the trained models that come with the package.

A name or an alias stands for a model wherever a config is asked for: in
``mmdiffpose infer --config``, ``mmdiffpose test``, ``init_model``.
"""

import argparse
import json
from typing import Any, Dict, Optional, Sequence

from mmdiffpose.checkpoints.model_zoo import (ZooModel, describe_models,
                                              list_models)


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--json',
        action='store_true',
        help='print all that is known of them, for another program')
    return parser


def as_json(model: ZooModel) -> Dict[str, Any]:
    """What a program may want to know of a model."""
    return dict(
        name=model.name,
        aliases=list(model.aliases),
        config=str(model.config),
        weights=str(model.weights),
        sha256=model.sha256,
        card=str(model.card),
        metadata=model.metadata)


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Print the zoo."""
    args = make_parser(prog).parse_args(argv)
    if args.json:
        print(json.dumps([as_json(m) for m in list_models()], indent=2))
    else:
        print(describe_models())


if __name__ == '__main__':
    main()
