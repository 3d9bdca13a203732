"""What trusting each ranking costs: regret, chance of picking the best, other correlations, stability."""

from functools import partial

from pedrank.command import run
from pedrank.report.formats import from_files
from pedrank.report.selection import selection

run(partial(from_files, __doc__, "summary", selection))
