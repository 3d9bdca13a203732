"""Table 1 as published beside Table 1 as measured."""

from functools import partial

from pedrank.report.tables.table1_published import beside_published
from pedrank.report.tables.write import from_files
from pedrank.runtime.command import run

run(partial(from_files, __doc__, "summary", beside_published))
