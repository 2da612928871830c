"""What somebody starts with: a file of settings, and a workflow that needs no server of one's own."""

from __future__ import annotations

from broadsheet.init.answers import Answers, machine_zone, parse_time
from broadsheet.init.settings_file import settings_text
from broadsheet.init.workflow import WORKFLOW_FILE, is_fork, pages_address, workflow_text

__all__ = [
    "WORKFLOW_FILE",
    "Answers",
    "is_fork",
    "machine_zone",
    "pages_address",
    "parse_time",
    "settings_text",
    "workflow_text",
]
