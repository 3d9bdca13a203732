"""Table 1: weighted tau by metric, refinement and dataset."""

from functools import partial

from pedrank.report.tables.table1 import table1
from pedrank.report.tables.write import from_files
from pedrank.runtime.command import run

run(partial(from_files, __doc__, "summary", table1))
