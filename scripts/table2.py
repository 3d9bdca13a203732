"""Table 2: seconds by metric and dataset."""

from functools import partial

from pedrank.report.tables.table2 import table2
from pedrank.report.tables.write import from_files
from pedrank.runtime.command import run

run(partial(from_files, __doc__, "seconds", table2))
