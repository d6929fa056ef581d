"""Types that everybody knows, recognised by the names in the pickle: what a person means instead of opcodes."""
