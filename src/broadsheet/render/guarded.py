"""The Jinja2 environment of every format: a template may lay out what it is given, never unescape it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, nodes  # noqa: TID251 - this room renders
from jinja2.exceptions import TemplateSyntaxError  # noqa: TID251 - the same

LITERAL = "literal"
"""The filter for what has been escaped already; only `GuardedEnvironment` applies it."""
_RENDERED_CALLS = {"super", "caller"}


class GuardedEnvironment(Environment):
    """Refuses templates that turn escaping off, and lets what a macro or a block has printed stand.

    With ``finalize`` everything printed is escaped, so the result of a macro or of ``super()``, which was
    escaped when it was made, would be escaped twice. Those calls, and no others, are exempt.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        del self.filters["safe"]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for found in tree.find_all(nodes.Filter):
            if found.name in {"safe", LITERAL}:
                words = f"there is no filter “{found.name}”: what papers say is always escaped"
                raise TemplateSyntaxError(words, found.lineno, name, filename)
        for changed in tree.find_all(nodes.ScopedEvalContextModifier):
            words = "“autoescape” cannot be changed: what papers say is always escaped"
            raise TemplateSyntaxError(words, changed.lineno, name, filename)
        if LITERAL in self.filters:
            _exempt(tree)
        return tree


def _exempt(tree: nodes.Template) -> None:
    """Mark what macros, blocks and ``{% set %}`` blocks have printed as escaped."""
    macros = _RENDERED_CALLS | set(_macros(tree))
    for output in tree.find_all(nodes.Output):
        output.nodes = [
            _marked(node) if isinstance(node, nodes.Call) and _is_rendered(node, macros) else node
            for node in output.nodes
        ]
    for block in tree.find_all(nodes.AssignBlock):
        if block.filter is None:
            block.filter = _marked(None)


def _is_rendered(call: nodes.Call, macros: set[str]) -> bool:
    called = call.node
    if isinstance(called, nodes.Getattr):  # self.title(): a block of the same template
        return isinstance(called.node, nodes.Name) and called.node.name == "self"
    return isinstance(called, nodes.Name) and called.name in macros


def _macros(tree: nodes.Template) -> Iterator[str]:
    for macro in tree.find_all(nodes.Macro):
        yield macro.name
    for imported in tree.find_all(nodes.FromImport):
        yield from (name if isinstance(name, str) else name[1] for name in imported.names)


def _marked(node: nodes.Expr | None) -> nodes.Filter:
    filtered = nodes.Filter(node, LITERAL, [], [], None, None)
    filtered.set_lineno(node.lineno if node else 1)
    return filtered
