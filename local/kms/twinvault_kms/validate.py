"""Requests against botocore's own service model of KMS: shapes, lengths, ranges, enums, patterns.

No rule of a parameter is written here by hand. What the model says is compiled, once per operation, into functions that
take a value off the wire and return it as Python has it (blobs as bytes). What AWS calls a SerializationException is a
value of the wrong JSON type; a ValidationException is one of the right type that breaks a constraint. As AWS's, its
message quotes the value, but never what may be secret: no blob, context, token or policy.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TypeGuard, cast

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

from twinvault_kms.errors import KmsError, validation

type ParameterCheck = Callable[[object, str], object]

TARGET_PREFIX = "TrentService"
_UNQUOTED = frozenset({"EncryptionContextKey", "EncryptionContextValue", "GrantTokenType", "PolicyType"})


@cache
def service() -> ServiceModel:
    """Return botocore's model of KMS."""
    return ServiceModel(Loader().load_service_model("kms", "service-2"), "kms")


@cache
def declared_errors(operation: str) -> frozenset[str]:
    """Return the error codes that the model lists for an operation."""
    return frozenset(shape.name for shape in service().operation_model(operation).error_shapes)


def validated(operation: str, document: object) -> dict[str, object]:
    """Return the request's parameters, checked and decoded. Unknown members are left out, nulls count as absent.

    Raises:
        KmsError: SerializationException or ValidationException.
    """
    return cast("dict[str, object]", _request_check(operation)(document, ""))


@cache
def _request_check(operation: str) -> ParameterCheck:
    model: OperationModel = service().operation_model(operation)
    if model.input_shape is None:
        return lambda _value, _path: {}
    return _compile(model.input_shape)


def _compile(shape: Shape) -> ParameterCheck:
    match shape:
        case StructureShape():
            return _structure(shape)
        case ListShape():
            return _list(shape)
        case MapShape():
            return _map(shape)
        case StringShape():
            return _string(shape)
    return _SCALARS[shape.type_name](shape)


def _structure(shape: StructureShape) -> ParameterCheck:
    members = {name: _compile(member) for name, member in shape.members.items()}
    required = tuple(shape.required_members)

    def check(value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise _wrong_type()
        result = {
            name: members[name](each, _at(path, name))
            for name, each in value.items()
            if name in members and each is not None
        }
        for name in required:
            if name not in result:
                raise _broken(_at(path, name), "Member must not be null", said=" null")
        return result

    return check


def _list(shape: ListShape) -> ParameterCheck:
    member = _compile(shape.member)
    bounds = _bounds(shape, "length")

    def check(value: object, path: str) -> object:
        if not isinstance(value, list):
            raise _wrong_type()
        bounds(len(value), path, "")
        return [member(each, f"{path}.{index}.member") for index, each in enumerate(value, 1)]

    return check


def _map(shape: MapShape) -> ParameterCheck:
    member = _compile(shape.value)

    def check(value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise _wrong_type()
        # JSON member names are strings already; one that is not Unicode is refused like any other string.
        return {_text(name): member(each, f"{path}.member") for name, each in value.items()}

    return check


def _string(shape: StringShape) -> ParameterCheck:
    bounds = _bounds(shape, "length")
    pattern = re.compile(shape.metadata["pattern"], re.ASCII) if "pattern" in shape.metadata else None
    enum = frozenset(shape.enum)

    quoted = shape.name not in _UNQUOTED and not shape.metadata.get("sensitive")

    def check(value: object, path: str) -> object:
        text = _text(value)
        said = f" '{text}'" if quoted else ""
        bounds(len(text), path, said)
        if enum and text not in enum:
            raise _broken(path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]", said=said)
        if pattern and not pattern.fullmatch(text):
            rule = f"Member must satisfy regular expression pattern: {pattern.pattern}"
            raise _broken(path, rule, said=said)
        return text

    return check


def _blob(shape: Shape) -> ParameterCheck:
    bounds = _bounds(shape, "length")

    def check(value: object, path: str) -> object:
        try:
            data = base64.b64decode(_text(value), validate=True)
        except binascii.Error:
            raise _wrong_type() from None
        bounds(len(data), path, "")
        return data

    return check


def _integer(shape: Shape) -> ParameterCheck:
    bounds = _bounds(shape, "value")

    def check(value: object, path: str) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type()
        bounds(value, path, f" '{value}'")
        return value

    return check


def _boolean(_shape: Shape) -> ParameterCheck:
    def check(value: object, _path: str) -> object:
        if not isinstance(value, bool):
            raise _wrong_type()
        return value

    return check


def _timestamp(_shape: Shape) -> ParameterCheck:
    def check(value: object, _path: str) -> object:
        if _is_number(value):
            return float(value)
        try:
            return datetime.fromisoformat(_text(value)).timestamp()
        except ValueError:
            raise _wrong_type() from None

    return check


_SCALARS: dict[str, Callable[[Shape], ParameterCheck]] = {
    "blob": _blob,
    "integer": _integer,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _bounds(shape: Shape, noun: str) -> Callable[[int, str, str], None]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(size: int, path: str, said: str) -> None:
        if low is not None and size < low:
            raise _broken(path, f"Member must have {noun} greater than or equal to {low}", said=said)
        if high is not None and size > high:
            raise _broken(path, f"Member must have {noun} less than or equal to {high}", said=said)

    return check


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type()
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _wrong_type() from None
    return value


def _at(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _broken(path: str, rule: str, *, said: str = "") -> KmsError:
    return validation(f"1 validation error detected: Value{said} at '{path}' failed to satisfy constraint: {rule}")


def _wrong_type() -> KmsError:
    return KmsError("SerializationException")
