"""Shelfscope: opens any dbm database or shelf, edits it, and never runs what a file contains."""

__version__ = "0.1.0"
