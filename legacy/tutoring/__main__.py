"""`python -m tutoring`: exit 2 for wrong faults, 3 for a wrong environment, 4 for a port in use."""

import os
import sys
import time

from .config import ConfigurationError, read_settings
from .errors import StoreUnavailable
from .faults.parse import BadFaults, parse_faults

WRONG_FAULTS, WRONG_CONFIGURATION, PORT_IN_USE = 2, 3, 4


def _fail(code: int, sentence: str) -> int:
    sys.stderr.write(f"control: {sentence}\n")
    return code


def main() -> int:
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        settings = read_settings(os.environ)
        faults = parse_faults(settings.faults)
    except ConfigurationError as wrong:
        return _fail(WRONG_CONFIGURATION, f"{wrong}.")
    except BadFaults as wrong:
        return _fail(WRONG_FAULTS, f"FAULTS: {wrong}.")
    import uvloop

    from .server import bind, serve  # slow to import: a wrong environment is told without it

    try:
        listener = bind(settings.host, settings.port)
    except OSError as taken:
        return _fail(PORT_IN_USE, f"cannot listen on {settings.host}:{settings.port}: {taken.strerror or taken}.")
    try:
        uvloop.run(serve(settings, faults, listener))
    except (StoreUnavailable, OSError) as down:
        return _fail(WRONG_CONFIGURATION, f"cannot open the store: {down}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
