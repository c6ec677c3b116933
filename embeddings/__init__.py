"""Strings and arrays: encoders, the vector cache and index, interest arithmetic. Nothing here knows of customers."""

import os

# As in hub: matrices are small, and threads of the linear algebra library would spin longer than they compute.
# Read once, when numpy is first imported, and who imports this room first has not imported numpy yet.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
