"""A child process that notices when its supervisor is gone, however that died.

The supervisor keeps the writing end of a pipe and never writes. When it dies, the kernel closes the pipe, the child
reads the end and stops as if told to.
"""

import contextlib
import os
import signal
import threading
import time
from typing import Final

VARIABLE: Final = "ISOTOPE_LIFELINE_FD"

_GRACE_S: Final = 15.0


def watch() -> None:
    """Begin to watch, if a supervisor gave a lifeline; called once, early, in the child's main thread."""
    given = os.environ.pop(VARIABLE, "")
    if given:
        descriptor = int(given)
        os.set_inheritable(descriptor, False)
        threading.Thread(target=_wait_for_end, args=(descriptor,), name="lifeline", daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)
