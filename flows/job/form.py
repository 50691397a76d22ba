"""A request form is the base of the models that Prefect's UI shows as a form.

The form is made from the JSON schema, and the server refuses what breaks it before a run is made. Pydantic writes an
optional text as "a text or null", which the form shows as a choice of types; here it is a field that may stay empty. An
optional model keeps that choice, which hides its fields until somebody wants them.

Of a choice that does not fit, the server says no more than "not valid under any of the given schemas". So the choice
itself says little; what its fields must keep stands beside it under ``then``, where each fault is reported at its
field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from registry.errors import InvalidName
from registry.format.keys import check_author, check_text


class RequestForm(BaseModel):
    """A model that is filled in by a person; fields are shown in the order in which they are declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, field_title_generator=lambda name, _: _title(name))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        for position, (name, field_schema) in enumerate(handler.resolve_ref_schema(schema)["properties"].items()):
            _ease(field_schema)
            for choice in field_schema.get("anyOf", ()):
                if "$ref" in choice:
                    field_schema |= {"if": {"type": "object"}, "then": _rules_of(handler.resolve_ref_schema(choice))}
            field_schema |= {"title": _title(name), "position": position}
        return schema

    @model_serializer(mode="wrap")
    def _what_differs(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what differs from the defaults: the form fills in those itself, and the page of a run stays short."""
        usual = {name: field.default for name, field in type(self).model_fields.items()}
        return {name: value for name, value in dump(self).items() if getattr(self, name) != usual[name]}


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _ease(field_schema: dict[str, Any]) -> None:
    """Take the null out of a plain field; hide a group of fields behind one."""
    choices = [choice for choice in field_schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1 and "$ref" not in choices[0]:
        del field_schema["anyOf"]
        field_schema.update(choices[0])
        field_schema.pop("default", None)
    elif "$ref" in field_schema:
        field_schema["anyOf"] = [{"$ref": field_schema.pop("$ref")}, {"type": "null"}]
        field_schema["default"] = None


def _rules_of(group: JsonSchemaValue) -> JsonSchemaValue:
    """Take the rules out of a group, but those that the browser itself looks after (numbers, choices).

    What is needed stays so, or the form would call it optional; it begins as an empty text, which the choice allows.
    """
    fields = group["properties"]
    rules = {
        name: {rule: field_schema.pop(rule) for rule in _RULES if rule in field_schema}
        for name, field_schema in fields.items()
    }
    group.pop("additionalProperties", None)
    needed = group.get("required", [])
    for name in needed:
        fields[name].setdefault("default", "")
    return {"required": needed, "properties": rules, "additionalProperties": False}


_RULES = ("minLength", "maxLength", "pattern")


def _line(check: Callable[[str], str]) -> AfterValidator:
    def checked(text: str) -> str:
        try:
            return check(text)
        except InvalidName as wrong:
            raise ValueError(str(wrong)) from wrong

    return AfterValidator(checked)


_ONE_LINE = {"pattern": r"^([^\r\n]*\S[^\r\n]*)?$"}  # that it is empty has a rule and words of its own

Author = Annotated[str, Field(min_length=1, max_length=128, json_schema_extra=_ONE_LINE), _line(check_author)]
"""Who does it, as the log shall say it."""

Reason = Annotated[
    str,
    Field(min_length=1, max_length=500, json_schema_extra=_ONE_LINE),
    _line(lambda text: check_text(text, "reason")),
]
"""Why, in one line that stays in the log."""
