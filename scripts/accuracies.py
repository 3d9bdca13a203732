"""The ground truth of all datasets as one table."""

from functools import partial

from pedrank.report.tables.accuracies import accuracies
from pedrank.report.tables.write import from_files
from pedrank.runtime.command import run

run(partial(from_files, __doc__, "ground-truth", accuracies))
