"""Widgets that a cell is edited in."""
