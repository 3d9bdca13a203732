"""Table 1: weighted tau by metric, refinement and dataset."""

from functools import partial

from pedrank.command import run
from pedrank.report.formats import from_files
from pedrank.report.table1 import table1

run(partial(from_files, __doc__, "summary", table1))
