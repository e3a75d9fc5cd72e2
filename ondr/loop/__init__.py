"""The interface to training loops: the dataset, its numbering, state, workers and ranks, hooks and augmentation."""
