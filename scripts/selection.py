"""What trusting each ranking costs: regret, chance of picking the best, other correlations, stability."""

from functools import partial

from pedrank.report.tables.selection import selection
from pedrank.report.tables.write import from_files
from pedrank.runtime.command import run

run(partial(from_files, __doc__, "summary", selection))
