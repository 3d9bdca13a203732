"""`python -m pedrank`, the same as the command `pedrank`."""

import sys

from pedrank.cli import main

sys.exit(main())
