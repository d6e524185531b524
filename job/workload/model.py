"""Workload and Plan: what is computed, and how it is to be run; validated before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from annotated_types import Predicate
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from job.errors import UsageError
from job.words import computation
from job.workload.calls import (
    MOST_TIMES,
    Call,
    RepetitionNumber,
    Target,
    Varying,
    is_dotted_name,
    is_name,
    mentions,
    parse_call,
    parse_keywords,
    parse_target,
    source,
)
from job.workload.chaos import parse_chaos

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from typing_extensions import Self

MOST_INSTANCES = 10**7
MOST_TRIALS = 1_000
UNKNOWN_S = 3600.0  # what nobody can estimate may take, unless a plan says otherwise
Strategy = Literal["serial", "threads", "processes", "actors", "sharded"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def _as_word(value: object) -> object:
    # `yes` is not 1 either, and `instance` is a word where no argument stands.
    return str(value) if isinstance(value, bool | Varying) else value


class Model(BaseModel):
    """What is validated, and nothing that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _read_words(cls, value: object) -> object:
        return _as_word(value)


Seconds = Annotated[float, Field(ge=0.001, le=10**7)]
Auto = Literal["auto"]
Name = Annotated[str, BeforeValidator(_as_word), Predicate(is_name)]
Dotted = Annotated[str, Predicate(is_dotted_name)]


def _or(*forms: dict[str, Any]) -> GetPydanticSchema:
    # What editors are told of the other forms that a value may have.
    return GetPydanticSchema(
        get_pydantic_json_schema=lambda core, handler: {"anyOf": [*forms, handler(core)]}
    )


class _ArgumentsForm(Model):
    args: tuple[Any, ...] = ()
    kwargs: dict[Name, Any] = {}


class TargetForm(_ArgumentsForm):
    """A target as a mapping."""

    module: Dotted
    name: Dotted


class CallForm(_ArgumentsForm):
    """A call as a mapping."""

    method: Dotted
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 1


def _text_or_mapping(
    record: type[Target | Call], form: type[_ArgumentsForm], parse: Callable[[str], Target | Call]
) -> GetPydanticSchema:
    """Let a record be written as on the command line, or as a mapping."""

    def to_record(found: _ArgumentsForm) -> Target | Call:
        made = record(**dict(found))
        if isinstance(made, Target) and mentions((made.args, made.kwargs), RepetitionNumber):
            raise ValueError("`repetition` is a call's number: an instance is made once")
        return made

    def to_form(value: object) -> object:
        value = _as_word(value)
        try:
            value = parse(value) if isinstance(value, str) else value
        except UsageError as error:
            raise ValueError(str(error).replace("\n", ". ")) from None
        # A record may be of a class that no text can name.
        return form.model_construct(**vars(value)) if isinstance(value, record) else value

    written = Annotated[
        form,  # type: ignore[valid-type]
        BeforeValidator(to_form),
        AfterValidator(to_record),
        PlainSerializer(lambda made: made.text, return_type=str),
        _or({"type": "string"}),
    ]
    return GetPydanticSchema(lambda _source, handler: handler.generate_schema(written))


class Tolerance(Model):
    """How far apart two floats may be: the larger of both allowances counts, as in math.isclose."""

    relative: Annotated[float, Field(ge=0, le=1)] = 0.0
    absolute: Annotated[float, Field(ge=0, le=1e300)] = 0.0


class Agree(Model):
    """When the states that two strategies left count as equal; if they are, unless it says more."""

    tolerance: Tolerance = Tolerance()
    none: Annotated[str, Field(min_length=1)] | None = None

    @model_serializer
    def _serialise(self) -> object:
        if self.none:
            return {"none": self.none}
        return "exact" if self.tolerance == Tolerance() else {"tolerance": dict(self.tolerance)}


def _parse_agree(value: object) -> object:
    """Let `exact`, or a relative tolerance alone, stand for the mapping that says the same."""
    if value == "exact":
        return {}
    if isinstance(value, dict) and {"tolerance", "none"} <= value.keys():
        raise ValueError("it takes either tolerance, or none with a reason")
    try:
        relative = float(str(value))
    except ValueError:
        return value
    return {"tolerance": {"relative": relative}} if 0 < relative <= 1 else value


def _split(value: object) -> object:
    """Let one value, or several with commas between them, stand for a list."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


class Workload(Model):
    """What is computed, wherever it runs."""

    target: Annotated[Target, _text_or_mapping(Target, TargetForm, parse_target)]
    instances: Annotated[int, Field(ge=1, le=MOST_INSTANCES)]
    calls: tuple[Annotated[Call, _text_or_mapping(Call, CallForm, parse_call)], ...]
    read: Dotted | None = None
    agree: Annotated[
        Agree, BeforeValidator(_parse_agree), _or({"const": "exact"}, {"type": "number"})
    ] = Agree()
    returns: Literal["drop", "bring"] = "drop"
    close: Dotted | None = None

    @field_validator("calls")
    @classmethod
    def _countable(cls, calls: tuple[Call, ...]) -> tuple[Call, ...]:
        if (made := sum(call.times for call in calls)) > MOST_TIMES:
            raise ValueError(f"{made:,} on each instance are not allowed: at most {MOST_TIMES:,}")
        return calls

    @property
    def calls_per_instance(self) -> int:
        """How many calls each instance gets."""
        return sum(call.times for call in self.calls)

    def __str__(self) -> str:
        calls = map(str, self.calls)
        return computation(
            self.instances, str(self.target), calls, self.read, self.returns, self.close
        )


LEAST = 0.0001  # of a resource, as Ray counts
Amount = Annotated[float, Field(ge=0, le=10**15)]
Cpus = Annotated[float, Field(ge=LEAST, le=100_000)]
NAMED = ("CPU", "GPU", "memory")  # resources that have a word of their own
# As Ray has it: a value, or several, of which none if it begins with an exclamation mark.
SELECTOR = r"^!?(in\([\w.-]+(, ?[\w.-]+)*\)|[\w.-]+)$"


class ActorOptions(Model):
    """What each actor asks for, in Ray's own words; memory in bytes."""

    num_cpus: Annotated[float, Field(ge=0, le=100_000)] | None = None
    num_gpus: Amount = 0.0
    memory: Amount = 0.0
    resources: dict[str, Annotated[float, Field(ge=LEAST, le=10**15)]] = {}
    label_selector: dict[str, Annotated[str, Field(pattern=SELECTOR)]] = {}

    @model_validator(mode="after")
    def _is_asked_of_ray(self) -> Self:
        if twice := [name for name in NAMED if name in self.resources]:
            raise ValueError(f"resources cannot name {twice[0]}, which has a word of its own")
        amounts = (self.num_cpus or 0.0, self.num_gpus, self.memory)
        if tiny := [each for each in amounts if 0 < each < LEAST]:
            raise ValueError(f"{tiny[0]:g} is less than {LEAST:g}, as fine as Ray counts")
        if self.num_gpus > 1 and self.num_gpus % 1:
            raise ValueError(f"num_gpus={self.num_gpus:g}: more than one GPU are whole ones")
        if self.num_cpus == 0 and not (self.num_gpus or self.memory or self.resources):
            raise ValueError("an actor that asks for nothing fits in anywhere, any number of times")
        return self

    @model_serializer
    def __str__(self) -> str:
        """Say what is asked for, as it is written."""
        given = {key: value for key, value in dict(self).items() if value or key == "num_cpus"}
        return ", ".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={source(value)}"
            for key, value in given.items()
            if value is not None
        )


def _parse_options(value: object) -> object:
    """Let options be written as on the command line, or as a mapping."""
    if not isinstance(value, str):
        return value
    try:
        return parse_keywords(value)
    except UsageError as error:
        raise ValueError(error.message) from None


class Plan(Model):
    """How a workload is to be run. Times are in seconds."""

    strategies: Annotated[
        tuple[Strategy, ...], BeforeValidator(_split), _or({"type": "string"})
    ] = STRATEGIES
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS)] | Auto = 1
    warmups: Annotated[int, Field(ge=0, le=MOST_TRIALS)] = 0
    shards: Annotated[int, Field(ge=1, le=MOST_INSTANCES)] | Auto = "auto"
    calls_per_batch: Annotated[int, Field(ge=1, le=MOST_TIMES)] | Auto = "auto"
    threads_per_shard: Annotated[int, Field(ge=1, le=1_000)] | Auto = "auto"
    workers: Annotated[int, Field(ge=1, le=1_000)] | Auto = "auto"
    cpus_per_actor: Cpus | Auto = "auto"
    actor_options: Annotated[
        ActorOptions, BeforeValidator(_parse_options), _or({"type": "string"})
    ] = ActorOptions()
    serial: Literal["full", "sample", "auto"] = "auto"
    serial_on: Literal["driver", "actor"] = "driver"
    budget_s: Seconds = 60.0
    startup_timeout_s: Seconds = 300.0
    timeout_s: Seconds | Auto = "auto"
    wait_for_cpus: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    scale_timeout_s: Seconds = 600.0
    snapshot_every: Annotated[int, Field(ge=0, le=MOST_TIMES)] = 0
    chaos: str | None = None

    @property
    def most_s(self) -> float:
        """How long may take what nobody can estimate."""
        return UNKNOWN_S if self.timeout_s == "auto" else self.timeout_s

    @property
    def names_strategies(self) -> bool:
        """Whether somebody has said which strategies are to be run."""
        return "strategies" in self.model_fields_set

    def only(self, strategies: Collection[str]) -> Plan:
        """Return the plan without other strategies, which are as much a choice as before."""
        left = tuple(name for name in self.strategies if name in strategies)
        return Plan.model_construct(self.model_fields_set, **dict(self) | {"strategies": left})

    @property
    def num_cpus(self) -> float | Auto:
        """What each actor asks for of CPUs."""
        asked = self.actor_options.num_cpus
        return self.cpus_per_actor if asked is None else asked

    @field_validator("actor_options")
    @classmethod
    def _says_cpus_once(cls, options: ActorOptions, info: ValidationInfo) -> ActorOptions:
        if options.num_cpus is not None and info.data.get("cpus_per_actor", "auto") != "auto":
            raise ValueError("num_cpus is what cpus_per_actor says too: leave one of them out")
        return options

    @field_validator("strategies")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or len(set(names)) != len(names):
            known = ", ".join(STRATEGIES)
            raise ValueError(f"{', '.join(names)!r} names none, or one twice, of {known}")
        return names

    @field_validator("chaos")
    @classmethod
    def _has_victims(cls, text: str | None, info: ValidationInfo) -> str | None:
        chaos = parse_chaos(text) if text is not None else None
        if chaos and not {"actors", "sharded"} & {*info.data.get("strategies", STRATEGIES)}:
            raise ValueError(f"{text} finds nothing to kill: there are no actors")
        return str(chaos) if chaos else None


# The mappings in a file, by the key that they stand below.
FORMS: dict[str, type[Model]] = {
    "target": TargetForm, "calls": CallForm, "agree": Agree, "tolerance": Tolerance,
    "actor_options": ActorOptions,
}  # fmt: skip
