"""Rankings judged by ground truth: correlations, p-values, intervals, regret. Without ground truth: `ranking/`."""
