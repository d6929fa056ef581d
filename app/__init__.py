"""Shelfscope: opens any dbm database or shelf, edits it, and never runs what a file contains."""

import os

# numpy's linear algebra, which nothing here uses, would start threads that wait busily for work: a tenth of a second
# of CPU time and some memory of every process. It looks at this when it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
