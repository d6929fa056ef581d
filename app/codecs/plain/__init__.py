"""Plain JSON: values written for reading elsewhere, and JSON text read as values that are to be written."""
