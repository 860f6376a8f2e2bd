# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Headless Chromium, driven over a pipe: pages looked at by a program."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Optional, Type

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
TIMEOUT = 300.
"""Seconds that an answer may take."""


def find_chromium() -> Optional[str]:
    """Path of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A browser with one tab, by Chromium's DevTools protocol.

    Attributes:
        requests: Addresses that the page asked for.
        messages: What the page wrote to its console, and errors in it.

    Raises:
        FileNotFoundError: Where there is no Chromium.
    """

    def __init__(self) -> None:
        path = find_chromium()
        if path is None:
            raise FileNotFoundError(f'there is none of {list(NAMES)}')
        self.requests: List[str] = []
        self.messages: List[str] = []
        self._folder = tempfile.TemporaryDirectory()
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        command = ('exec "$0" "$@" '
                   f'3<&{theirs_in} 4>&{theirs_out} 2>/dev/null')
        flags = ('--headless=new', '--no-sandbox', '--disable-gpu',
                 '--remote-debugging-pipe', '--no-first-run',
                 '--disable-background-networking',
                 f'--user-data-dir={self._folder.name}')
        self._process = subprocess.Popen(['bash', '-c', command, path, *flags],
                                         pass_fds=(theirs_in, theirs_out),
                                         stdout=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._rest = 0, b''
        self._session: Optional[str] = None
        target = self.call('Target.createTarget', url='about:blank')
        self._session = self.call(
            'Target.attachToTarget', flatten=True, **target)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'DOM'):
            self.call(f'{domain}.enable')

    def __enter__(self) -> 'Chromium':
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def call(self,
             method: str,
             to_tab: bool = True,
             **params: Any) -> Dict[str, Any]:
        """Ask the tab something, or the browser, and wait for the answer.

        Raises:
            RuntimeError: If the answer is an error.
            TimeoutError: If none comes.
        """
        self._number += 1
        message: Dict[str, Any] = dict(
            id=self._number, method=method, params=params)
        if to_tab and self._session is not None:
            message['sessionId'] = self._session
        os.write(self._out, json.dumps(message).encode() + b'\0')
        until = time.monotonic() + TIMEOUT
        while True:
            answer = self._read(until)
            if answer.get('id') == self._number:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]}')
                return answer['result']
            self._note(answer)

    def _read(self, until: float) -> Dict[str, Any]:
        while b'\0' not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError(f'Chromium: no answer in {TIMEOUT} s')
            self._rest += os.read(self._in, 1 << 20)
        message, _, self._rest = self._rest.partition(b'\0')
        return json.loads(message)

    def _note(self, event: Dict[str, Any]) -> None:
        params = event.get('params', {})
        if event.get('method') == 'Network.requestWillBeSent':
            self.requests.append(params['request']['url'])
        elif event.get('method') == 'Runtime.exceptionThrown':
            details = params['exceptionDetails']
            thrown = details.get('exception', {}).get('description', '')
            self.messages.append(f'{details["text"]} {thrown}')
        elif event.get('method') == 'Runtime.consoleAPICalled':
            self.messages.append(' '.join(
                str(one.get('value', one.get('description')))
                for one in params['args']))

    def cpu_seconds(self) -> float:
        """Seconds of a processor that pages have taken so far."""
        found = self.call('SystemInfo.getProcessInfo', to_tab=False)
        return sum(one['cpuTime'] for one in found['processInfo']
                   if one['type'] == 'renderer')

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in pixels."""
        self.call(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False)

    def open(self, address: str) -> None:
        """Go to an address, and wait until its script has begun."""
        self.call('Page.navigate', url=address)
        until = time.monotonic() + TIMEOUT
        while not self.run('document.readyState === "complete"'):
            if time.monotonic() > until:
                raise TimeoutError(f'{address} does not load')
            time.sleep(.1)

    def run(self, script: str) -> Any:
        """The value of an expression in the page, once it is there.

        Raises:
            RuntimeError: If it throws.
        """
        answer = self.call(
            'Runtime.evaluate',
            expression=script,
            awaitPromise=True,
            returnByValue=True)
        if 'exceptionDetails' in answer:
            details = answer['exceptionDetails']
            thrown = details.get('exception', {}).get('description', '')
            raise RuntimeError(f'{details["text"]} {thrown}')
        return answer['result'].get('value')

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input of the page."""
        root = self.call('DOM.getDocument')['root']['nodeId']
        node = self.call('DOM.querySelector', nodeId=root, selector=selector)
        self.call('DOM.setFileInputFiles', files=[str(path.resolve())], **node)

    def picture(self) -> bytes:
        """What the page looks like, PNG."""
        answer = self.call('Page.captureScreenshot', format='png')
        return base64.b64decode(answer['data'])
