"""The input of a metric: features, labels, class statistics, displacements of classes. The metrics: `metrics/`."""
