"""Errors a user can cause: each is one clear sentence, and the command line ends with exit code 2 on any of them."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where nothing more can be written: disk, quota or file size."""


class KieloError(Exception):
    """Base of every mistake that the user can mend; anything else is our bug and keeps its traceback."""


class UsageError(KieloError, ValueError):
    """A command was called with arguments that do not fit together."""


class RecipeError(KieloError, ValueError):
    """A recipe or language pack cannot be used as it is written."""


class SourceError(KieloError, ValueError):
    """Input data are missing, empty or malformed."""


class RunFolderError(KieloError, RuntimeError):
    """A run folder belongs to other settings, is damaged, or is in use by another process."""


class GenerationError(KieloError, RuntimeError):
    """A text generator cannot be reached, refuses its requests, or died and stayed dead."""


class ClusterError(KieloError, RuntimeError):
    """Slurm is not here, does not answer or refuses a job, or a job ended without what it was to make."""


class MissingExtraError(KieloError, ImportError):
    """An optional package that this step needs is not installed."""


def at(file: object, line: int | None = None) -> str:
    """Name a place in a file for an error message: `rows.jsonl, line 3`."""
    return f"{file}" if line is None else f"{file}, line {line}"
