"""`python -m rs_core ...` is `rs ...`."""

import os
import signal
import sys
from typing import NoReturn


def _leave(*_: object) -> NoReturn:
    os.write(2, b"rs: interrupted\n")
    os._exit(130)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)  # an import that is broken off says so in many lines

from rs_core.cli import main  # noqa: E402

sys.exit(main())
