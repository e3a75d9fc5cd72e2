"""The way into training loops: the dataset, its numbering, state, workers and ranks, and the user's own changes."""
