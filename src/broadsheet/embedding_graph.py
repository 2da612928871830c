"""Has the packaged model compute with the bytes that its weights are stored as, not with floats made of them.

The file stores weights as bytes with a scale for each column. When it is loaded, onnxruntime multiplies all
of them out, 22 million numbers, and keeps floats. Here a product with a matrix of bytes is one
(DynamicQuantizeMatMul, which makes bytes of the other side too), and the few tokens of a text are looked up
first and multiplied then. A text takes half the time and the model a third of the memory (57 MB for 160); the
vectors have a cosine of 0.994 with the others, and rank as well (docs/search.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

_PACKAGE = "broadsheet.onnx"
_TABLE = "word_embeddings"
_OF_BYTES = ("DynamicQuantizeMatMul", "com.microsoft", 1)
"""onnxruntime's own product, its domain and that one's version:
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md."""


def lean(model: bytes) -> bytes:
    """Return an ONNX model that computes with bytes; one of another shape as it is."""
    read = _message("Model").FromString(model)
    makers = {name: node for node in read.graph.node for name in node.output}
    if not (_look_up_first(read.graph, makers) | _multiply_bytes(read, makers)):
        return model
    written: bytes = read.SerializeToString()
    return written


def _floats(makers: Mapping[str, Any], name: str) -> tuple[Any, Any] | None:
    """Return the nodes that make floats of stored bytes under a name, first the cast, then the scaling."""
    scaling = makers.get(name)
    cast = makers.get(scaling.input[0]) if scaling and scaling.op_type == "Mul" else None
    return (cast, scaling) if cast and cast.op_type == "Cast" else None


def _look_up_first(graph: Any, makers: Mapping[str, Any]) -> bool:
    """Make floats of the tokens that were looked up, not of all; tell whether there are such tokens."""
    lookups = (each for each in graph.node if each.op_type == "Gather" and _TABLE in each.input[0])
    lookup = next(lookups, None)
    made = _floats(makers, lookup.input[0]) if lookup else None
    if not (lookup and made):
        return False
    cast, scaling = made
    scale_of = graph.node.add()
    scale_of.CopyFrom(lookup)
    scale_of.name = scale_of.output[0] = f"{_TABLE}_scale"
    scale_of.input[0] = scaling.input[1]
    lookup.input[0], cast.input[0] = cast.input[0], f"{_TABLE}_bytes"
    scaling.input[1], scaling.output[0] = scale_of.output[0], lookup.output[0]
    lookup.output[0] = cast.input[0]
    return True


def _multiply_bytes(model: Any, makers: Mapping[str, Any]) -> bool:
    """Multiply by stored bytes, without floats of them; tell whether there are such products."""
    nodes, unneeded = model.graph.node, set[str]()
    for node in nodes:
        if node.op_type == "MatMul" and (made := _floats(makers, node.input[1])):
            cast, scaling = made
            node.op_type, node.domain, _ = _OF_BYTES
            node.input[1:] = [cast.input[0], scaling.input[1]]
            unneeded |= {cast.output[0], scaling.output[0]}
    for place in reversed(range(len(nodes))):
        if nodes[place].output[0] in unneeded:
            del nodes[place]
    if unneeded:
        _, domain, version = _OF_BYTES
        model.opset_import.add(domain=domain, version=version)
    return bool(unneeded)


@cache
def _message(name: str) -> Any:
    """Return a message type of ONNX with the fields that are read here, by their numbers in onnx.proto.

    Protobuf keeps the others as they are.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    text, number_, message = field.TYPE_STRING, field.TYPE_INT64, field.TYPE_MESSAGE
    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    messages = {
        "Node": [
            ("input", 1, many, text),
            ("output", 2, many, text),
            ("name", 3, one, text),
            ("op_type", 4, one, text),
            ("domain", 7, one, text),
        ],
        "Graph": [("node", 1, many, message)],
        "Opset_Import": [("domain", 1, one, text), ("version", 2, one, number_)],
        "Model": [("graph", 7, one, message), ("opset_import", 8, many, message)],
    }
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto2")
    for each, fields in messages.items():
        made = file.message_type.add(name=each)
        for title, number, label, kind in fields:
            of = f".{_PACKAGE}.{title.title()}" if kind == message else None
            made.field.add(name=title, number=number, label=label, type=kind, type_name=of)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
