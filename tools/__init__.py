"""What `dev.py` is made of. Standard library only, but for what runs inside the environment that it makes."""

import sys

MINIMUM = (3, 11)
if sys.version_info < MINIMUM:  # here, because the other modules cannot even be read by older versions
    sys.exit("dev.py: Shelfscope needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info[:2]))
