"""What stands on one machine: a broker and a database of our own, processes by id, in a home directory."""
