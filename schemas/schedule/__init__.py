"""The .avsc files of this folder are the source; records.py is generated from them."""
