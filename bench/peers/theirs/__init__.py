"""What runs in the peers' own environment (`.bench-peers/venv`): nothing here imports penstock or the rest of bench."""
