"""What everything runs on: devices, threads, memory, time, and torch modes of the caller."""
