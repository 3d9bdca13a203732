"""Rankings without ground truth: order, agreement, random halves, confirmation. Judging them: `evaluation/`."""
