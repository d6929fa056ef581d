"""Paths as pickles have them: those of all values."""

from app.codecs.paths import Attribute, Element, Literal, Member, Part, Position, Step, is_plain_name, parse_path

__all__ = ["Attribute", "Element", "Literal", "Member", "Part", "Position", "Step", "is_plain_name", "parse_path"]
