"""What the hub knows and does; no GraphQL type is imported here."""

import os

# A decision multiplies small matrices, thousands a second: threads of the linear algebra library
# would wait for each other, spinning, longer than they compute. Scale by processes instead.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
