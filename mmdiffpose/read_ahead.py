# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Let stages of one computation overlap, in threads, with little in between.

Decoding, drawing and encoding of pictures leave Python's lock for most of
their time, so that threads are enough.
"""

import queue
import threading
from typing import Any, Generator, Iterable, TypeVar

Item = TypeVar('Item')

AHEAD = 2
"""Items that wait between two stages."""


def read_ahead(items: Iterable[Item],
               ahead: int = AHEAD) -> Generator[Item, None, None]:
    """The same items in the same order, made in a thread of their own.

    At most ``ahead`` of them wait, besides the one that is being made and
    those that the caller holds. An error comes up where its item would have.
    The thread starts with the first item and has ended when this generator
    has: read to the end, closed, or let go.

    Args:
        items (Iterable): Read in that thread, and closed there where it is a
            generator.
        ahead (int): At least 1. Defaults to 2.

    Yields:
        The items.
    """
    waiting: 'queue.Queue[Any]' = queue.Queue(ahead)
    stop = threading.Event()

    def put(message: Any) -> bool:
        """Wait for room; False where nobody wants it any more."""
        while not stop.is_set():
            try:
                waiting.put(message, timeout=0.1)
                return True
            except queue.Full:
                pass
        return False

    def make() -> None:
        iterator = iter(items)
        try:
            # No for loop: it holds its last item until the next one is there.
            while True:
                item = [next(iterator)]
                if not put((item, None)):
                    return
                del item
        except StopIteration:
            put((None, None))
        except BaseException as error:
            # The caller's, whatever it is.
            put((None, error))
        finally:
            close = getattr(iterator, 'close', None)
            if close is not None:
                close()

    thread = threading.Thread(target=make, name='read_ahead', daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is None:
                return
            # The caller shall hold the only reference.
            yield item.pop()
            del item
    finally:
        stop.set()
        thread.join()
