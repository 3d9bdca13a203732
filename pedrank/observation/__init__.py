"""What a metric sees: features, labels, class statistics, displacements of classes. The metrics: `metrics/`."""
