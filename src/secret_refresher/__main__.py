"""`python -m secret_refresher` is the command `secret-refresher`."""

import sys

from secret_refresher.cli.main import main

sys.exit(main())
