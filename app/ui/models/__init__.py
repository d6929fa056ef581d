"""Adapters from documents to Qt views; they know no widgets."""
