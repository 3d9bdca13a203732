"""The ground truth of all datasets as one table."""

from functools import partial

from pedrank.command import run
from pedrank.report.accuracies import accuracies
from pedrank.report.formats import from_files

run(partial(from_files, __doc__, "ground-truth", accuracies))
