"""Rows from a whole history: each column asks which event decided it. Shares nothing with the projector."""
