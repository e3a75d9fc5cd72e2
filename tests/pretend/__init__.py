"""A CUDA device that is none: what runs on it is computed on the CPU, and every wait of the host is written down."""
