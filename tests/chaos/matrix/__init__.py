"""The fault matrix: a seed is a workload and a list of timed faults, and ends with a verdict of three witnesses."""
