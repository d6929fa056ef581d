"""Python literals as a person types them: read without running anything, written to read back the same."""
