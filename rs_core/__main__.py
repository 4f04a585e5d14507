"""`python -m rs_core ...` is `rs ...`."""

import sys

from rs_core.cli import main

sys.exit(main())
