"""Bringing files in: readers, the mapping language, and a runner that can be killed and run again."""
