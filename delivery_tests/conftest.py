"""Finds the helpers of this folder; those of ``tests`` are found already."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
