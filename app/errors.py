"""Every failure that is expected: its message is the sentence that the user reads."""

from pathlib import Path


class AppError(Exception):
    """A failure to be shown as one sentence, with the file and the byte offset where known."""

    detail: str = ""
    """What is wrong without file and place, to be part of another sentence; empty where the message is all."""

    @property
    def sentence(self) -> str:
        """What is wrong, for a list that tells of file and place by itself."""
        return f"{self.detail[:1].upper()}{self.detail[1:]}." if self.detail else self.message

    def __init__(self, message: str, *, path: Path | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.offset = offset


class BackendError(AppError):
    """The container could not be opened, read or written."""


class CannotOpen(BackendError):
    """The file is missing, may not be read, or is a directory or empty."""


class FileMissing(CannotOpen):
    """There is no file of that name, nor a database of that base name."""


class UnknownFormat(CannotOpen):
    """No format that we know claims the file."""


class BackendMissing(CannotOpen):
    """The format is recognised, but reading it is not there."""


class CorruptDatabase(BackendError):
    """The container contradicts its own format at ``offset``."""


class StaleIndex(BackendError):
    """The file changed since it was indexed: index it again."""


class DatabaseLocked(BackendError):
    """Somebody else holds the lock that a save needs."""


class ReadOnlyDatabase(BackendError):
    """The database cannot be saved; the message says why and what to do instead."""


class OptionRejected(BackendError):
    """A new database cannot be of that format, or cannot have such an option."""


class KeyMissing(BackendError):
    """No entry has that key."""


class KeyRejected(BackendError):
    """The format cannot store that key or value."""


class SaveFailed(BackendError):
    """The save did not happen; the file is as it was."""


class NameTaken(SaveFailed):
    """There is a file already where a new one was to be made; it was left alone."""


class ChangedOnDisk(BackendError):
    """Entries that are to be changed are no longer what they were; ``keys`` names them."""

    def __init__(self, message: str, *, path: Path | None = None, keys: tuple[bytes, ...] = ()) -> None:
        super().__init__(message, path=path)
        self.keys = keys


class CodecError(AppError):
    """A value could not be decoded or encoded."""


class DecodeError(CodecError):
    """The bytes are not a whole value of that codec."""


class EncodeError(CodecError):
    """The new value cannot be written as asked."""


class PathError(CodecError):
    """A path does not parse, or leads nowhere in this value."""


class LimitExceeded(CodecError):
    """A cap of `app.limits` was reached."""


class EngineStopped(AppError):
    """The process that reads the database was killed or died; the next request starts it anew."""


class EngineBug(AppError):
    """The engine met a mistake of ours; ``report`` is what a bug report needs."""

    def __init__(self, message: str, *, report: str) -> None:
        super().__init__(message)
        self.report = report


class DocumentError(AppError):
    """The open database cannot do that."""


class KeysTaken(DocumentError):
    """Entries of some keys are there already, where a key can come but once; ``keys`` names them."""

    def __init__(self, message: str, *, keys: tuple[bytes, ...]) -> None:
        super().__init__(message)
        self.keys = keys


class Cancelled(Exception):
    """The person gave the work up; never shown."""
