"""Each day's new papers as a newsletter that people trust.

from broadsheet import Filter, Store

with Store.open("broadsheet.db") as store:
    record = store.get("2503.01234")
    print(record.title, record.annotation.tldr)
    for record in store.list(Filter(tags=("robotics",), code="available")):
        print(record.title)
    for record in store.search("sparse attention"):
        print(record.title)
"""

from broadsheet.annotation import Annotation, Code, Finding
from broadsheet.errors import AmbiguousError, BroadsheetError, NotFoundError, StoreError
from broadsheet.filters import Filter
from broadsheet.paper import Paper
from broadsheet.record import Record
from broadsheet.store import Store

__version__ = "0.1.0"

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
