"""Where a new database can go: which files it makes, which of them are there, why a name will not do."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.backends.formats import Format
from app.engine.base import MadeDatabase, NewDatabase


@dataclass(frozen=True, slots=True)
class Place:
    """A base name, the files that a format makes of it, and those of an older database that go then."""

    base: Path
    files: tuple[Path, ...]
    leftovers: tuple[Path, ...]

    @classmethod
    def of(cls, text: str, form: Format) -> "Place":
        """Return what a typed name means; one of the format's files stands for all of them."""
        path = typed_path(text) or Path()
        ending = next((ending for ending in form.endings if ending and path.name.endswith(ending)), "")
        base = path.with_name(path.name.removesuffix(ending)) if path.name != ending else path
        return cls(base, _beside(base, form.endings), _beside(base, form.leftovers))

    @property
    def existing(self) -> tuple[Path, ...]:
        return tuple(path for path in (*self.files, *self.leftovers) if os.path.lexists(path))

    def why_not(self, kept: Collection[Path]) -> str:
        """Return why no database can be made here, or an empty text. ``kept`` are files not to be written over."""
        if not self.files:
            return "Type a name for the file."
        if not self.base.parent.is_dir():
            return f"There is no folder {self.base.parent}."
        folder = next((path for path in self.files if path.is_dir()), None)
        if folder is not None:
            return f"{folder.name} is a folder."
        taken = next((path for path in self.files if path.resolve() in kept), None)
        return f"{taken.name} is open here; choose another name, or close it first." if taken else ""

    def says(self) -> str:
        """Return what will happen to files of these names."""
        names = " and ".join(path.name for path in self.existing)
        if names:
            are = "is there already and will" if len(self.existing) == 1 else "are there already and will"
            return f"{names} {are} be replaced; a backup is kept."
        return f"Makes {' and '.join(path.name for path in self.files)}." if len(self.files) > 1 else ""


def typed_path(text: str) -> Path | None:
    """Return the whole path that a typed one stands for; None for an empty one."""
    path = Path(text.strip())
    try:
        return whole_path(path.expanduser()) if text.strip() else None
    except RuntimeError:  # there is no such home: a name like any other
        return whole_path(path)


def whole_path(path: Path) -> Path:
    """Return an absolute path without steps back, which over a link lead elsewhere than they seem to."""
    path = path.absolute()
    if ".." not in path.parts:
        return path
    return path.resolve() if path.name == ".." else path.parent.resolve() / path.name


def _beside(base: Path, endings: Sequence[str]) -> tuple[Path, ...]:
    return tuple(base.with_name(base.name + ending) for ending in endings) if base.name else ()


def free_place(folder: Path, stem: str, suffix: str, form: Format) -> Path:
    """Return a name in the folder of which the format makes files that are not there yet."""
    number = 1
    while True:
        path = folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}"
        if not Place.of(str(path), form).existing:
            return path
        number += 1


def path_of(target: NewDatabase, made: MadeDatabase) -> Path:
    """Return what a new database is opened by: its base name, unless that is another file's name."""
    base = Path(target.path)
    return Path(made.files[0]) if len(made.files) == 1 or os.path.lexists(base) else base


def names_of(made: MadeDatabase) -> str:
    """Return the names of the files of a new database, as a sentence lists them."""
    return " and ".join(Path(file).name for file in made.files)


def can_be_read(path: Path) -> bool:
    """Tell whether there is a file in which something could be found."""
    return path.is_file() and os.access(path, os.R_OK) and path.stat().st_size > 0


def made_sentence(sentence: str, made: MadeDatabase) -> str:
    """Return a sentence with what else is to be known of a new database."""
    names = ", ".join(Path(backup).name for backup in made.backups)
    kept = f"What was there before is kept in {names}." if names else ""
    return " ".join(part for part in (sentence, kept, *made.warnings) if part)
