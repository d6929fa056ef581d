"""What the trees of all codecs share: children and their steps, keys as literals, node JSON, indented text."""
