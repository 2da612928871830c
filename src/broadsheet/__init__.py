"""Turn each day's new papers into a newsletter that readers can trust.

The Python API reads what the ``broadsheet`` command has cached::

    from broadsheet import Filter, Store

    with Store.open("broadsheet.db") as store:
        record = store.get("2503.01234")
        print(record.title, record.annotation.tldr)
        for record in store.list(Filter(tags=("robotics",), code="available")):
            print(record.title)
        for record in store.search("sparse attention"):
            print(record.title)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from broadsheet.annotation import Annotation, Code, Finding
    from broadsheet.errors import AmbiguousError, BroadsheetError, NotFoundError, StoreError
    from broadsheet.filters import Filter
    from broadsheet.paper import Paper
    from broadsheet.record import Record
    from broadsheet.store import Store

__version__ = "0.1.0"

# Each name is imported on first use, so that `broadsheet` starts fast and can handle Ctrl-C from the start.
_NAMES_BY_MODULE = {
    "broadsheet.annotation": ("Annotation", "Code", "Finding"),
    "broadsheet.errors": ("AmbiguousError", "BroadsheetError", "NotFoundError", "StoreError"),
    "broadsheet.filters": ("Filter",),
    "broadsheet.paper": ("Paper",),
    "broadsheet.record": ("Record",),
    "broadsheet.store": ("Store",),
}

__all__ = [
    "AmbiguousError",
    "Annotation",
    "BroadsheetError",
    "Code",
    "Filter",
    "Finding",
    "NotFoundError",
    "Paper",
    "Record",
    "Store",
    "StoreError",
]


def __getattr__(name: str) -> Any:
    for module, names in _NAMES_BY_MODULE.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
