"""Benchmarks of Penstock on one machine: `make bench ARGS="casework|runner|floor|projector [--quick]"`."""
