"""What the hub costs, measured; `python -m benchmarks.NAME --help` says what each tells."""

import os

# As a hub does it (hub/__init__.py), before anything imports numpy: threads that spin would count as work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
