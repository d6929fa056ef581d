"""Typed JSON of values: written, and read back as values that are to be written; docs/TYPED_JSON.md has the form."""
