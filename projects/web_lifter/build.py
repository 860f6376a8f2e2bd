# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write a page that lifts 2D keypoints in the browser.

    npm install --prefix work_dirs/npm onnxruntime-web@1.30.0
    python -m projects.web_lifter.build --model residual --out lifter.html \
        --node-modules work_dirs/npm/node_modules

One file that opens from disk, with the lifter, onnxruntime and a demo track
inside; or with --split a folder for any static server. Neither asks the
network for anything once it is loaded.
"""

import argparse
import gzip
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from mmdiffpose.atomic_files import replacing
from mmdiffpose.cli.launching import published_weights
from mmdiffpose.deployment.onnx_export import DEMO, export_lifter
from mmdiffpose.deployment.onnx_lifter import OnnxLifter
from mmdiffpose.version import __version__
from mmdiffpose.visualization.scene_page import PLACEHOLDER, TEMPLATE
from .facts import base64_of, lifter_facts, package_facts

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

PAGE = Path(__file__).parent / 'page'
MAIN = 'main.mjs'
RUNTIME = ('ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm')
"""Of onnxruntime-web: the smallest module that runs on the CPU (one thread
needs no special headers of a server), and what it runs."""
INLINED, BESIDE = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; "
    "style-src 'unsafe-inline'" + rest
    for rest in ('', "; connect-src 'self'"))
"""What the browser lets the page do: no network, but for its own files."""
_IMPORT = re.compile(r"^import \{[^}]*\} from '\./([\w.]+)';\n", re.MULTILINE)
_EXPORT = re.compile(r'^export ', re.MULTILINE)


class Asset(NamedTuple):
    """A part of the page: its bytes, and its file's name beside the page."""
    content: bytes
    name: str


def bundle(entry: str = MAIN, folder: Path = PAGE) -> str:
    """A module and all that it imports as one script.

    Args:
        entry (str): The module.
        folder (Path): Where it and the others lie.

    Returns:
        str: Each module once, behind those that it imports.
    """
    parts: Dict[str, str] = {}

    def add(name: str) -> None:
        if name in parts:
            return
        text = (folder / name).read_text(encoding='utf-8')
        for found in _IMPORT.findall(text):
            add(found)
        parts[name] = _EXPORT.sub('', _IMPORT.sub('', text))

    add(entry)
    return '\n'.join(parts.values())


def read_runtime(node_modules: Path) -> Dict[str, Asset]:
    """onnxruntime-web's module and binary, and its version in them.

    Raises:
        FileNotFoundError: If they are not there; says how to get them.
    """
    folder = node_modules / 'onnxruntime-web' / 'dist'
    paths = [folder / name for name in RUNTIME]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(
                f'there is no {path}: npm install --prefix '
                f'{node_modules.parent} onnxruntime-web@1.30.0')
    return {
        kind: Asset(path.read_bytes(), path.name)
        for kind, path in zip(('runtime', 'wasm'), paths)
    }


def page_facts(lifter: OnnxLifter, label: str) -> Dict[str, Any]:
    """All that the page's script reads from Python."""
    return dict(
        lifter=lifter_facts(lifter),
        facts=package_facts(),
        scene_page=TEMPLATE.read_text(encoding='utf-8'),
        placeholder=PLACEHOLDER,
        model=label,
        demo_name=DEMO.name,
        about=f'Model {label}, mmdiffpose {__version__} (Apache-2.0); run by '
        'ONNX Runtime Web, Copyright (c) Microsoft Corporation, MIT License. '
        'Reads JSON of MMPose, COCO and AlphaPose. Files stay on this '
        'machine.')


def in_script(document: Any) -> str:
    """JSON that may stand in a script element, whatever text is in it."""
    text = json.dumps(document, separators=(',', ':'))
    return text.replace('<', '\\u003c')


def render(facts: Mapping[str, Any], assets: Mapping[str, Asset],
           inline: bool) -> str:
    """The page.

    Args:
        facts (Mapping): From :func:`page_facts`.
        assets (Mapping[str, Asset]): Its parts, by name.
        inline (bool): Whether they are in it, rather than beside it.
    """
    told = dict(
        facts, files={
            name: asset.name
            for name, asset in assets.items()
        })
    lines = [
        '<script id="facts" type="application/json">'
        f'{in_script(told)}</script>'
    ]
    if inline:
        lines += [
            f'<script id="asset-{name}" type="application/gzip">'
            f'{base64_of(gzip.compress(asset.content, mtime=0))}</script>'
            for name, asset in assets.items()
        ]
    values = dict(
        POLICY=INLINED if inline else BESIDE,
        ASSETS='\n'.join(lines),
        SCRIPT=bundle())
    template = (PAGE / 'page.html').read_text(encoding='utf-8')
    return re.sub('__(POLICY|ASSETS|SCRIPT)__', lambda found: values[found[1]],
                  template)


def build(model: str,
          out: Path,
          node_modules: Path,
          checkpoint: Optional[str] = None,
          onnx: Optional[Path] = None,
          split: bool = False) -> List[Path]:
    """Write the page.

    Args:
        model (str): A model of the zoo, or a config.
        out (Path): The page; with ``split`` the folder of ``index.html``.
        node_modules (Path): Where onnxruntime-web is installed.
        checkpoint (str, optional): Weights. Defaults to the zoo's.
        onnx (Path, optional): What ``mmdiffpose export`` wrote of the same
            model, which is exported here otherwise.
        split (bool): Whether the parts lie beside the page.

    Returns:
        list[Path]: The files.

    Raises:
        FileNotFoundError: If a file is missing.
        ImportError: If a package is missing that the export needs.
        ValueError: If the page can't do what this model needs.
    """
    assets = read_runtime(node_modules)
    with tempfile.TemporaryDirectory() as folder:
        if onnx is None:
            onnx = Path(folder) / 'lifter.onnx'
            export_lifter(model, onnx, checkpoint or published_weights(model))
        facts = page_facts(OnnxLifter(onnx, model), model)
        assets['model'] = Asset(onnx.read_bytes(), 'lifter.onnx')
    assets['demo'] = Asset(DEMO.read_bytes(), DEMO.name)
    content = {out: render(facts, assets, True).encode()}
    if split:
        content = {
            out / asset.name: asset.content
            for asset in assets.values()
        }
        content[out / 'index.html'] = render(facts, assets, False).encode()
    for path, data in content.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(data)
    return list(content)


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--model',
        default='residual',
        help='a model of the zoo, or a config (default: residual)')
    parser.add_argument(
        '--checkpoint', help="its trained weights (default: the zoo's)")
    parser.add_argument(
        '--onnx',
        type=Path,
        help='what "mmdiffpose export" wrote of it (default: exported here)')
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='the page to write; with --split, a folder')
    parser.add_argument(
        '--node-modules',
        type=Path,
        default=Path('node_modules'),
        help='folder with npm\'s onnxruntime-web (default: node_modules)')
    parser.add_argument(
        '--split',
        action='store_true',
        help='a small page with files beside it, for a static server')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Build; end with a sentence where that can't be done."""
    args = parse_args(argv)
    try:
        paths = build(args.model, args.out, args.node_modules, args.checkpoint,
                      args.onnx, args.split)
    except (OSError, ImportError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path in paths:
        print(f'written: {path}: {path.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
