"""The forms in which targets, calls and agreement may be written, and the checks of their parts.

Each form is a text, as on the command line, or a mapping; both become the same record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetPydanticSchema,
    InstanceOf,
    PlainSerializer,
    Tag,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from job.errors import JobError
from job.workload.calls import (
    MOST_TIMES,
    Arguments,
    Call,
    InstanceNumber,
    Target,
    parse_call,
    parse_target,
)
from job.workload.fields import Between, Dotted, Model, Name, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

AGREE_TAKES = (
    "exact, a relative tolerance such as 1e-9, "
    "or a mapping with tolerance or with none and a reason"
)
# How pydantic is to name the form that it chose, in the place of an error.
TEXT, MAPPING, RECORD = "<text>", "<mapping>", "<record>"


class _ArgumentsForm(Model):
    args: tuple[Any, ...] = ()
    kwargs: dict[Name, Any] = Field(default_factory=dict)

    @property
    def _arguments(self) -> Arguments:
        return Arguments(self.args, self.kwargs)


class TargetForm(_ArgumentsForm):
    """A target as a mapping.

    Attributes:
        module: The module that is imported.
        name: The class in it, or the function that makes an instance.
        args: The positional arguments each instance is made with.
        kwargs: The named arguments each instance is made with.
    """

    module: Dotted
    name: Dotted

    @property
    def record(self) -> Target:
        """The target that is written."""
        return Target(self.module, self.name, self._arguments)


class CallForm(_ArgumentsForm):
    """A call as a mapping.

    Attributes:
        method: The method that is called.
        args: Its positional arguments.
        kwargs: Its named arguments.
        times: How many times in a row each instance gets the call.
    """

    method: Name
    times: Annotated[int, Between(1, MOST_TIMES)] = 1

    @property
    def record(self) -> Call:
        """The call that is written."""
        return Call(self.method, self._arguments, self.times)


class Tolerance(Model):
    """How far apart two floats may be: the larger of both allowances counts, as in math.isclose.

    Attributes:
        relative: The allowance as a share of the larger of both floats.
        absolute: The allowance in the floats' own unit.
    """

    relative: Annotated[float, Between(0, 1)] = 0.0
    absolute: Annotated[float, Between(0, 1e300)] = 0.0

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("it takes relative, absolute or both, such as {relative: 1e-9}")
        return self


class AgreeForm(Model):
    """Agreement as a mapping: one of the two.

    Attributes:
        tolerance: How far apart two floats may be.
        none: Why the states are not compared.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    tolerance: Tolerance | None = None
    none: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.tolerance is None) == (self.none is None):
            raise ValueError("it takes either tolerance, or none with a reason")
        return self

    @property
    def record(self) -> Agree:
        """The agreement that is written."""
        if self.tolerance is None:
            return Agree("none", reason=self.none or "")
        return Agree("tolerance", self.tolerance.relative, self.tolerance.absolute)


# --- records, in whatever form they are written


@dataclass(frozen=True)
class Agree:
    """When the states that two strategies leave an instance in count as equal.

    Attributes:
        kind: exact by value and type, within a tolerance for floats, or none: not compared.
        relative: The allowance as a share of the larger of two floats.
        absolute: The allowance in the floats' own unit.
        reason: Why the states are not compared.
    """

    kind: Literal["exact", "tolerance", "none"] = "exact"
    relative: float = 0.0
    absolute: float = 0.0
    reason: str = ""

    @property
    def written(self) -> object:
        """The agreement as a workload file has it."""
        if self.kind == "none":
            return {"none": self.reason}
        if self.kind == "tolerance":
            return {"tolerance": {"relative": self.relative, "absolute": self.absolute}}
        return self.kind


def parse_agree(text: str) -> Agree:
    """Read `exact`, or a relative tolerance.

    Raises:
        ValueError: It is neither.
    """
    if text.strip() == "exact":
        return Agree()
    try:
        relative = float(text)
    except ValueError:
        relative = -1.0
    if not 0 < relative <= 1:
        message = f"{text!r} is not allowed: it takes {AGREE_TAKES}"
        raise ValueError(message)
    return Agree("tolerance", relative)


def _form(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str | int | float | InstanceNumber):
        return TEXT
    if isinstance(value, dict | Model):
        return MAPPING
    return RECORD if isinstance(value, Target | Call | Agree) else None


def _written(
    record: type[Any],
    parse: Callable[[str], Any],
    form: type[TargetForm | CallForm | AgreeForm],
    text: object,
) -> GetPydanticSchema:
    """Let a record be written as a text or as a mapping."""

    def read(value: object) -> object:
        if isinstance(value, form):
            return value.record
        if isinstance(value, record):
            return value
        try:
            return parse(str(value))
        except JobError as error:
            raise ValueError(". ".join(filter(None, (error.message, error.hint)))) from None

    kept = Annotated[SkipJsonSchema[InstanceOf[record]], Tag(RECORD)]  # type: ignore[valid-type]
    forms = Annotated[
        Annotated[text, Tag(TEXT)] | Annotated[form, Tag(MAPPING)] | kept,  # type: ignore[valid-type]
        Discriminator(_form),
        AfterValidator(read),
    ]
    return GetPydanticSchema(lambda _source, handler: handler.generate_schema(forms))


WrittenTarget = Annotated[
    Target,
    _written(Target, parse_target, TargetForm, Word),
    PlainSerializer(str, return_type=str),
]
WrittenCall = Annotated[
    Call, _written(Call, parse_call, CallForm, Word), PlainSerializer(str, return_type=str)
]
WrittenAgree = Annotated[
    Agree,
    _written(Agree, parse_agree, AgreeForm, float | str),
    PlainSerializer(lambda agree: agree.written),
]


# The mappings, by the key that they stand below.
FORMS: dict[str, type[Model]] = {
    "target": TargetForm,
    "calls": CallForm,
    "agree": AgreeForm,
    "tolerance": Tolerance,
}
