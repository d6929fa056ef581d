"""The one failure that `dev.py` shows as a sentence."""


class Stop(Exception):
    """The work cannot go on; the message is the sentence that the developer reads."""
