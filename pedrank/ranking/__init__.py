"""Rankings without ground truth: order, agreement, random halves, confirmation. With ground truth: `evaluation/`."""
