"""What every command of the project has in common: how an error is told, and how it ends."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from data.errors import PretscopeError

if TYPE_CHECKING:
    from collections.abc import Callable


def run_command(command: Callable[[], int | None]) -> int:
    """Run `command` and return the exit status.

    0 or what it returns on success, 2 with the message on standard error for a PretscopeError, 130 when interrupted,
    and 1 where the reader of its output went away. Any other exception is a defect and keeps its traceback.
    """
    try:
        return command() or 0
    except PretscopeError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
