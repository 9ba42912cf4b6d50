"""Fixtures of the browser tests, for every file of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ui_server import browser, context, page, server

__all__ = ["browser", "context", "page", "server"]
