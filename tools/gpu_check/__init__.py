"""What tools/gpu-check does: bundles what the checks need, and runs them on a machine with a GPU."""
