"""Table 1 as published beside Table 1 as measured."""

from functools import partial

from pedrank.command import run
from pedrank.report.formats import from_files
from pedrank.report.published import beside_published

run(partial(from_files, __doc__, "summary", beside_published))
