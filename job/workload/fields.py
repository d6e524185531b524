"""The parts that workloads and plans are made of: bounded numbers, names, and `auto`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    GetPydanticSchema,
    Tag,
)
from pydantic_core import core_schema

from job.workload.calls import InstanceNumber, is_name

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

# How pydantic is to name the form that it chose, in the place of an error.
NUMBER, AUTO = "<number>", "<auto>"


class Model(BaseModel):
    """What is validated, and nothing that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Between:
    """A number between two bounds, which are allowed too; True and False are none."""

    low: float
    high: float

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Check the value before and after it is read as a number."""

        def no_truth(value: object) -> object:
            if isinstance(value, bool):
                kind = "a whole number" if source is int else "a number"
                message = f"{value} is not allowed: it takes {kind}"
                raise ValueError(message)  # noqa: TRY004 - pydantic gathers these
            return value

        number = core_schema.no_info_after_validator_function(self._inside, handler(source))
        return core_schema.no_info_before_validator_function(no_truth, number)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Tell the bounds."""
        return handler(schema) | {"minimum": self.low, "maximum": self.high}

    def _inside(self, value: float) -> float:
        if not self.low <= value <= self.high:
            message = f"{value:,} is out of range: {self.low:,} to {self.high:,} is allowed"
            raise ValueError(message)
        return value


def _word(value: object) -> object:
    """Take `instance` for a word where no number of an instance can stand."""
    return str(value) if isinstance(value, InstanceNumber) else value


def _name(value: str) -> str:
    if not is_name(value):
        message = f"{value!r} is not a name as Python allows it"
        raise ValueError(message)
    return value


def _dotted(value: str) -> str:
    for part in value.split("."):
        _name(part)
    return value


def _number_or_auto(value: object) -> str:
    return AUTO if value == "auto" else NUMBER


Word = Annotated[str, BeforeValidator(_word)]
Name = Annotated[Word, AfterValidator(_name)]
Dotted = Annotated[Word, AfterValidator(_dotted)]
Auto = Literal["auto"]
Seconds = Annotated[float, Between(0.001, 10**7)]


def or_auto(number: type[Any], bounds: Between) -> GetPydanticSchema:
    """Let a number within bounds, or `auto`, be written."""
    forms = Annotated[
        Annotated[number, bounds, Tag(NUMBER)] | Annotated[Auto, Tag(AUTO)],  # type: ignore[valid-type]
        Discriminator(_number_or_auto),
    ]
    return GetPydanticSchema(lambda _source, handler: handler.generate_schema(forms))
