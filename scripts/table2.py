"""Table 2: seconds by metric and dataset."""

from functools import partial

from pedrank.command import run
from pedrank.report.formats import from_files
from pedrank.report.table2 import table2

run(partial(from_files, __doc__, "seconds", table2))
