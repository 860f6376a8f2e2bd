# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Open a page that lifts in headless Chromium, and compare it with Python.

    python -m projects.web_lifter.check lifter.html --out-dir pictures

Prints how far poses of the demo track are from those of the model in torch,
how long the network takes there and in native onnxruntime, one thread both,
and what the page asked the network for; takes pictures of the page on a desk
and on a phone.
"""

import argparse
import base64
import functools
import gzip
import http.server
import logging
import re
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import (Any, Callable, Dict, Iterator, List, NamedTuple, Optional,
                    Sequence)

import numpy as np
import torch

from mmdiffpose.apis import init_model, lift_tracks, read_keypoint_tracks
from mmdiffpose.deployment.onnx_export import DEMO
from mmdiffpose.deployment.onnx_lifter import OnnxLifter
from .chromium import Chromium

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

SCREENS = dict(desk=(1280, 800), phone=(390, 844))
OUTPUTS = ('poses', 'scores', 'std', 'hypotheses')
"""What the page wants of the network, where there is it."""
SCENE_START = '<script id="scene" type="application/json">'
WARM_UPS, RUNS = 20, 10
"""Chromium compiles what runs often a second time, better."""
BATCH = 8
"""Windows that go through the network at once when it is timed."""
GIVEN = 0.2
"""All that it is given then; no mixture may have a std of 0."""
_TIMER = '''(async () => {
  const {lifter, network} = webLifter, run = await network;
  const inputs = {}, add = (name, ...window) => {
    const dims = [%(batch)d, ...window];
    inputs[name] = {
      data: new Float32Array(dims.reduce((a, b) => a * b)).fill(%(value)f),
      dims};
  };
  const frame = [lifter.length, lifter.joints.length];
  add('keypoints', ...frame, 3);
  if (lifter.mixtures)
    add('mixtures', ...frame, lifter.mixtures.components, 5);
  for (const [name, {dims}] of Object.entries(lifter.draws))
    add(name, ...dims);
  window.again = async times => {
    while (times--) await run(inputs);
  };
})()'''


class Checked(NamedTuple):
    """What was found.

    Attributes:
        distance: Farthest of the page's joints from Python's, metres.
        std_distance: The same of stds, metres.
        seconds: Of a processor for the network of a window, in the page.
        native: The same in onnxruntime.
        requests: Addresses that the page asked for.
        messages: What it wrote to its console.
        pictures: Of the page.
    """
    distance: float
    std_distance: float
    seconds: float
    native: float
    requests: List[str]
    messages: List[str]
    pictures: List[Path]

    def lines(self) -> str:
        """For people."""
        return '\n'.join([
            f'farthest joint from Python: {1000 * self.distance:.4f} mm',
            f'largest difference of std: {1000 * self.std_distance:.4f} mm',
            f'processor\'s time of a window: {1000 * self.seconds:.2f} ms in '
            f'Chromium, {1000 * self.native:.2f} ms in onnxruntime: '
            f'{self.seconds / self.native:.2f} times',
            f'requests: {[address[:60] for address in self.requests]}',
            f'console: {self.messages}', *(f'written: {path}'
                                           for path in self.pictures)
        ])


class Page(Chromium):
    """A browser that shows a page of the web lifter."""

    def wait(self, text: str) -> str:
        """The page's status, once a text is in it.

        Raises:
            TimeoutError: If it does not come; says what did.
        """
        until = time.monotonic() + 120
        while text not in (status := self.run('statusText()')):
            if time.monotonic() > until:
                raise TimeoutError(f'expected {text!r}, found {status!r}')
            time.sleep(.2)
        return status


@contextmanager
def opened(page: Path) -> Iterator[Page]:
    """A page in Chromium that has lifted the demo track.

    Args:
        page (Path): The file, or the folder of ``--split``, which a server on
            this machine then shows.
    """
    with _address(page) as address, Page() as browser:
        browser.resize(*SCREENS['desk'])
        browser.open(address)
        browser.run('window.statusText = () => '
                    'document.getElementById("status").textContent')
        browser.run('webLifter.ready.then(() => null)')
        yield browser


@contextmanager
def _address(page: Path) -> Iterator[str]:
    if not page.is_dir():
        yield page.resolve().as_uri()
        return
    handler = functools.partial(_Quiet, directory=str(page))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/index.html'
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def bytes_of(text: str) -> bytes:
    """What base64 says."""
    return base64.b64decode(text)


def model_in(page: str) -> Optional[bytes]:
    """The ONNX file in a page; None where it lies beside it."""
    found = re.search('<script id="asset-model"[^>]*>([^<]*)<', page)
    return None if found is None else gzip.decompress(bytes_of(found[1]))


def check(page: Path, model: str, out_dir: Path) -> Checked:
    """Compare a page with Python.

    Args:
        page (Path): The file, or the folder of ``--split``.
        model (str): What it was built of.
        out_dir (Path): Where the pictures go.
    """
    with opened(page) as browser, _native(page, model) as native:
        lifted = browser.run('webLifter.result.lifted.map(({poses, std}) => '
                             '({poses: [...poses], std: [...std]}))')
        pictures = _take(browser, out_dir)
        browser.run(_TIMER % dict(batch=BATCH, value=GIVEN))
        browser.run(f'again({WARM_UPS})')
        native()
        seconds = browser.cpu_seconds()
        browser.run(f'again({RUNS})')
        seconds = browser.cpu_seconds() - seconds
        natively = time.process_time()
        for _ in range(RUNS):
            native()
        natively = time.process_time() - natively
        windows = RUNS * BATCH
    distance, std_distance = _distances(lifted, model)
    return Checked(distance, std_distance, seconds / windows,
                   natively / windows, browser.requests, browser.messages,
                   pictures)


def _distances(lifted: List[Dict[str, Any]], model: str) -> List[float]:
    """Of joints and of stds, metres."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        expected = lift_tracks(init_model(model), read_keypoint_tracks(DEMO))
    if len(lifted) != len(expected):
        raise ValueError(f'expected {len(expected)} tracks, found '
                         f'{len(lifted)}')
    distances = []
    for one, track in zip(lifted, expected):
        poses = np.reshape(one['poses'], track.keypoints_3d.shape)
        apart = np.linalg.norm(poses - track.keypoints_3d, axis=-1)
        std = np.reshape(one['std'], track.keypoints_3d.shape[:2])
        distances.append((apart.max(), np.abs(std - track.std).max()))
    return np.max(distances, axis=0).tolist()


@contextmanager
def _native(page: Path, model: str) -> Iterator[Callable[[], Any]]:
    """What runs the page's network in onnxruntime, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        path = page / 'lifter.onnx'
        if not page.is_dir():
            path = Path(folder) / 'lifter.onnx'
            content = model_in(page.read_text(encoding='utf-8'))
            if content is None:
                raise ValueError(f'{page}: expected a page with a model in '
                                 'it; give the folder of --split')
            path.write_bytes(content)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            session = OnnxLifter(path, model).session
        finally:
            torch.set_num_threads(threads)
        outputs = {one.name for one in session.get_outputs()}
        wanted = [name for name in OUTPUTS if name in outputs]
        given = {
            one.name: np.full((BATCH, *one.shape[1:]), GIVEN, np.float32)
            for one in session.get_inputs()
        }

        yield lambda: session.run(wanted, given)


def _take(browser: Chromium, out_dir: Path) -> List[Path]:
    out_dir.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, size in SCREENS.items():
        browser.resize(*size)
        # The scene arranges itself when it is opened; two frames later
        # everything is drawn.
        browser.run('''new Promise(done => {
            const scene = document.getElementById('scene');
            scene.addEventListener('load', () => requestAnimationFrame(
                () => requestAnimationFrame(() => setTimeout(done, 300))),
                {once: true});
            webLifter.show(webLifter.result);
        })''')
        pictures.append(out_dir / f'{name}.png')
        pictures[-1].write_bytes(browser.picture())
    return pictures


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Check; end with a sentence where that can't be done."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('page', type=Path, help='the page, or its folder')
    parser.add_argument(
        '--model', default='residual', help='what it was built of')
    parser.add_argument(
        '--out-dir',
        type=Path,
        default=Path('work_dirs/web_lifter'),
        help='folder of the pictures (default: work_dirs/web_lifter)')
    args = parser.parse_args(argv)
    logging.getLogger('mmengine').setLevel(logging.ERROR)
    try:
        print(check(args.page, args.model, args.out_dir).lines())
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
