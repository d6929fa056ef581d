"""Caps that keep hostile or huge files from taking the machine. Counts unless a unit is named."""

SUMMARY_PREFIX = 4096
"""Bytes of a value that a table cell may look at."""

SUMMARY_CHARS = 160
"""Characters of a value that a table cell shows."""

CELL_CHARS = 300
"""Characters of a scalar that a tree row shows."""

TREE_NODES = 100_000
"""Nodes in one node JSON document unless the caller says otherwise."""

PLAIN_NODES = 200_000
"""Pieces (nodes, and the marks between them) that shared values may be repeated for in one plain JSON value."""

PLAIN_CHARS = 1 << 30
"""Characters of one plain JSON value; a file can name one large text in many objects."""

PLAIN_DEPTH = 200
"""Nesting of arrays and objects in plain JSON; deeper values are written as references to their path."""

INT_DIGITS = 4_000
"""Decimal digits of an integer that is written as a number; Python itself refuses above 4,300."""

INT_BYTES = 400
"""Bytes of a LONG that is turned into a number for a cell; larger ones are shown as a size."""

KEY_PARTS = 200_000
"""Parts of keys that one edit compares, and one more for each byte of the pickle; more are refused."""

WRITTEN_DEPTH = 20_000
"""Nesting of a pickled value that is written anew: as typed JSON, in another protocol or as a copy."""

PICKLE_NODES = 80_000_000
"""Opcodes that are followed in one value; one that joins others counts as some four to nine, as it takes as much memory
as they: some 40 bytes each. Of what has more, the first part is shown."""

FIRST_NODES = 500_000
"""The same for what is shown of a large value while it is still followed: some tenths of a second of work."""

LARGE_VALUE = 4 << 20
"""Bytes from which on the first part of a value is shown before all of it was followed."""

MARSHAL_NODES = 16_000_000
"""Nodes of one marshal value; a container counts as eight, being as large in memory."""

AUDITED = 20_000
"""Names and calls that the audit of one value lists."""

NEAR_STEPS = 30
"""Steps of the paths in audits and listings of opcodes; what is deeper is named by the place around it."""

PATH_CHARS = 64 << 20
"""Characters of the paths of what is found in one value; places that lie within each other make them long."""

JSON_NODES = 10_000_000
"""Values in one JSON text."""

CONTENT_BYTES = 256 << 20
"""Bytes that may come out of one compressed value."""

UNPACKED_FILE_BYTES = 2 << 30
"""Bytes that may come out of a compressed file of values; they go to a temporary file."""

CONTENT_KEPT = 512 << 20
"""Bytes of values inside of one value that are held at a time."""

CONTENT_DEPTH = 16
"""Values within values within values…"""

CONTENT_HOLDERS = 100_000
"""Places in one value that are looked at for values inside when all of it is searched or audited."""

TEXT_PANE_CHARS = 1_000_000
"""Characters that the text pane is given."""

DECODE_SECONDS = 20.0
"""Seconds without a sign of life after which the process that decodes or edits a value is killed."""

ENGINE_MEMORY = 4 << 30
"""Bytes of data that an engine process may allocate (Linux: RLIMIT_DATA)."""

SHELF_SAMPLE = 100
"""Values that are looked at to tell a shelf from another database."""

PAGES_IN_MEMORY = 128 << 20
"""Bytes of a SQLite file that is listed from all its pages; SQLite needs as many again while it hands them out."""

NEW_VALUE_BYTES = 1 << 30
"""Bytes of a value that a file gives; a save holds it, and its format, several times in memory."""

PROBLEMS = 1_000
"""Container problems that are listed of one database."""
