"""Classes as people write them, one row each: how they are called, and what is expected of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED, CONNECTED = "embedded", "connected"
LOCAL = "local"  # on the driver's machine, whatever the Ray
STRATEGIES = {
    EMBEDDED: ("serial", "actors", "sharded"),
    CONNECTED: ("serial", "actors", "sharded"),
    LOCAL: ("serial", "threads", "processes"),
}
EVERYWHERE = (EMBEDDED, CONNECTED, LOCAL)
ALONE = (EMBEDDED,)  # what others wrote for all, and plain classes of which there are enough
WORDS = "the cat and the dog and the bird"
BATCH = "[[0.0, 1.0], [2.0, 3.0]], [1, 0], classes=[0, 1]"


@dataclass(frozen=True)
class Case:
    """One class, or one thing that can go wrong with one.

    Attributes:
        target: `module:Class(arguments)`, as on the command line.
        calls: Likewise; `instance` and `repetition` may stand in them.
        read: The method or attribute that tells the state; None: the whole object.
        where: Embedded, connected to a cluster, or both.
        actor: Which hand-written Ray actor is run beside it: the class itself, or one that holds an
            instance of it, where the subclass that Ray makes of a class is what it does not bear.
        away: Whether the workers answer that they have another source of it.
        plan: What else is asked of the comparison.
        told: The exit code of a refusal; 0 for an advisory.
        words: What is said then.
        quick: Where `make test` runs it; a release runs it everywhere.
    """

    target: str
    calls: tuple[str, ...]
    read: str | None = None
    where: tuple[str, ...] = (EMBEDDED, CONNECTED)
    actor: str = ""
    away: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)
    told: int = 0
    words: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tests call it."""
        calls = "" if not self.words else f" {', '.join(self.calls)}"
        return f"{self.target}{calls} {self.read or 'as a whole'}"


def row(target: str, *calls: str, **rest: Any) -> Case:  # noqa: ANN401 - the fields of a case
    """Return a case of these calls."""
    return Case(target, calls, **rest)


THREADS = {"threads_per_shard": 2, "workers": 2, "instances": 2}

CLASSES = [
    # --- what comes with Python, and what many have installed
    row("sklearn.linear_model:SGDClassifier(random_state=0)", f"partial_fit({BATCH}) * 3",
        read="coef_", where=ALONE, quick=(EMBEDDED, LOCAL)),
    row("frames:SalesBook", "sell('north', instance) * 2", "sell('south', 5)", read="by_shop",
        where=ALONE),
    row("frozen_lake:FrozenLake(seed=instance)", "reset", "step(1) * 5", "step(2) * 5",
        read="state"),
    row("parcels:Parcel(instance)", "pass_through('Bonn') * 2", "pass_through('Rome')"),
    row("orders:Basket(owner=instance)", "put('tea', 3.5) * 2", "put('cup', 2)", quick=(LOCAL,)),
    row("structs:Trade('X', instance)", "split(3)", "split(2) * 2", where=ALONE),
    # --- plain classes of all kinds
    row("accounts:Account(balance=instance)", "deposit(5) * 2", "fee", read="balance",
        quick=EVERYWHERE),
    row("audit:Audit", "record('login')", "record('logout') * 2", away=True,
        quick=(CONNECTED, LOCAL)),
    row("traffic:Light", "tick(2)", "tick * 2", "tick(instance)"),
    row("traffic:Station", "measure(3)", "measure('5')", "measure([1, '2', instance])",
        quick=(EMBEDDED, LOCAL)),
    row("sensors:Thermometer", "measure(25) * 2", "measure(instance)", read="value",
        quick=(LOCAL,)),
    row("events:Publisher", "publish('Hi')", "publish('Oh') * 2"),
    row("textual:Notebook", "write('a')", "write('b') * 2", read="text"),
    row("dice:Dice(instance)", "roll * 3", "roll(20)", quick=(EMBEDDED, LOCAL)),
    row("chain:Chain", "push(instance)", "rotate * 3"),
    row("chain:Tree", "add('a')", "add('b') * 2", read="paths", quick=(LOCAL,)),
    row("lazy_model:Predictor", "predict(2) * 2", "predict(instance)", read="last",
        quick=(EMBEDDED,)),
    # --- what is bound to a thread, a loop or a process
    row("till:Till(instance)", "book(3) * 2", "book(5)", read="total", plan=THREADS,
        quick=EVERYWHERE),
    row("request_scope:RequestScope(instance)", "visit('a') * 2", "visit('b')", read="path",
        plan=THREADS),
    row("money:Savings(instance)", "grow(30) * 2", "grow(7)", read="amount", plan=THREADS,
        quick=(LOCAL,)),
    row("own_loop:Fetcher", "fetch('a') * 2", "fetch(instance)", read="pages", plan=THREADS,
        quick=(EMBEDDED, LOCAL)),
    row("alarm:Alarm", "ring(7) * 2", "ring(instance)", read="rung",
        plan={"threads_per_shard": 1}),
    row("client:Client('c')", "post('/a') * 2", "post('/b')", read="answers"),
    row("client:Uploader('u')", "post('/a') * 2", "post('/b')", read="flush",
        quick=(CONNECTED, LOCAL)),
    row("client:Limiter", "enter(instance) * 2", "enter(5)", read="entered"),
    row("unconsumed:Reader", "load(2)", "save(3)", "load(instance)", read="count"),
    row("workers:Squares", "advance", read="read", actor="itself", quick=(EMBEDDED, LOCAL)),
    row("workers:Downloads(4)", "fetch * 2"),
    # --- what a class by value is not
    row("shop.cart:Cart", "add(100)", "add(instance)", "discount('half')", read="read",
        actor="itself", quick=(EMBEDDED, LOCAL)),
    row("library.author:Author('Ada')", "write('One')", "write('Two')", read="read",
        actor="itself", quick=(CONNECTED,)),
    row("printing:Press.Roller(instance)", "turn(3) * 2", "turn(1)", read="itself",
        actor="held", quick=(EMBEDDED,)),
    row("printing:Press", "add('a', 2)", "add('b', 1)", "add('b', instance)", read="jobs",
        actor="itself"),
    row("snapshots:Editor", "type('ab')", "clone", "type('c')", "undo", read="read", actor="held",
        quick=(EMBEDDED, LOCAL)),
    row("plugins:Upper", "write('ab')", "write('cd') * 2", read="read", actor="held"),
    row("models_meta:Customer(instance)", "befriend(3) * 2", read="read", actor="held"),
    row("models_meta:Invoice", "add(3)", "add(instance) * 2", read="read", actor="held",
        quick=(CONNECTED,)),
    row("hints:Form", "fill('age', '7')", "fill('name', 3)", "fill('address', 'Elm', 2)",
        read="read", actor="itself"),
    row("tariffs:Weekend", "charge(3)", "charge(instance) * 2", read="read", actor="held"),
    row("orchard:Tree('plum')", "grow(3)", "drop", "grow(2)", read="read", actor="itself"),
    row("rates.exchange:Exchange(instance)", "change('euro')", "tip", "change('yen')",
        read="read", actor="itself"),
    # --- calls that vary
    row("varying:Mixer(instance)", "work(instance * 100 + repetition) * 30", read="value",
        quick=EVERYWHERE),
    row("varying:Robot", "motor.step(instance + 3) * 2", "motor.step(5)", read="unwrapped.state",
        quick=(EMBEDDED, LOCAL)),
    row("frozen_lake:FrozenLake(instance)", "unwrapped.step(repetition % 4) * 9",
        read="unwrapped.state"),
]  # fmt: skip

# Of the same kinds as some of those.
NEIGHBOURS = [
    row("sortedcontainers:SortedList", "add(instance)", "add(3) * 2", "add(-1)", where=ALONE),
    row("cachetools:LRUCache(maxsize=2)", "__setitem__(1, 2)", "__setitem__(instance, 'a')",
        "__setitem__(7, 'b')", where=ALONE),
    row("points:Vector(instance)", "push(1, 2)", "turn * 3", "push(2, 5)", where=ALONE,
        quick=(EMBEDDED, LOCAL)),
    row("stack:Numbers", "push(instance)", "push(3)", "swap", "add", "push(2)", "add",
        read="items", where=ALONE),
    row("sensors:Recorder", "append(instance)", "__call__(7)", "extend([1, 2])", "reverse"),
    row("sampling:Sampler(instance)", "draw(3)", "draw(2) * 2", read="drawn", where=ALONE),
    row("dice:Tally", f"see({WORDS!r})", "see('dog') * 2", where=ALONE),
    row("request_scope:Session('ann')", "visit('a') * 2", "visit(instance)", read="seen",
        plan=THREADS),
    row("money:Converter(9)", "convert(2) * 2", "convert(7)", read="total",
        plan=THREADS, where=ALONE),
    row("hen:Hen(instance)", "lay('white')", "hatch", "lay('brown')", "lay('grey')", "hatch",
        read="read", actor="itself", where=ALONE),
    row("snapshots:Game", "move(2) * 2", "move(instance)", read="read", actor="held", where=ALONE),
    row("varying:Mixer", "work(repetition // 2 - 1, 7 % 4, factor=instance + 2) * 5",
        "work(0 - repetition) * 3", read="value"),
]  # fmt: skip

ONE = {"instances": 1, "strategies": ("serial", "sharded")}
READ = "read"  # the way out of a state that cannot be compared

REFUSED = [
    # --- states that cannot be read or compared
    row("accounts:Account", "deposit(1)", told=2, words=("lock", READ), quick=(CONNECTED,)),
    row("till:Till", "book(1)", told=2, words=("connection", READ)),
    row("client:Client('c')", "post('/a')", told=2, words=("queue", READ)),
    row("accounts:Account", "deposit(1)", read="balanc", told=2, words=("balanc", "balance")),
    row("accounts:Account", "deposit()", read="balance", told=2, words=("deposit()", "def line"),
        quick=(CONNECTED,)),
    row("accounts:Account(owner=1)", "fee", read="balance", told=2, words=("owner", "def line")),
    row("onion:Onion(100_000)", "peel", told=2, words=("nested", READ)),
    # --- processes that end
    row("endings:Job", "work", "leave(0)", read="count", told=2, words=("leave(0)",),
        quick=(CONNECTED,)),
    row("endings:Job", "work", "leave(3) * 2", read="count", told=2, words=("leave(3)", "3")),
    row("endings:Job", "work", "crash", read="count", told=2, words=("crash()", "SIGSEGV"),
        quick=(CONNECTED,)),
    row("endings:Job", "work", "kill", read="count", told=2, words=("kill()", "SIGKILL")),
    row("endings:Unreadable", "work", read="read_and_leave", told=2, words=("read_and_leave",)),
    # --- calls that do nothing
    row("unconsumed:Reader", "rows(3)", read="count", told=2, words=("rows(3)", "generator"),
        quick=(CONNECTED,)),
    row("unconsumed:Reader", "lines(3)", read="count", told=2, words=("lines(3)", "generator")),
    row("unconsumed:Reader", "stream(3)", read="count", told=2,
        words=("stream(3)", "async generator")),
    row("unconsumed:Reader", "packets(3)", read="count", told=2,
        words=("packets(3)", "async generator")),
    row("remote:Remote", "step", read="count", told=2, words=("actor", "undecorated"),
        quick=(CONNECTED,)),
    # --- what only a main thread may do
    row("alarm:Alarm", "ring(7)", read="rung", plan=THREADS, told=4,
        words=("main thread", "--threads-per-shard 1"), quick=(LOCAL,)),
    row("alarm:Window", "draw(7)", read="drawn", plan=THREADS, told=4,
        words=("main loop", "--threads-per-shard 1")),
    # --- exceptions that are none, or cannot be shown
    row("endings:Job", "work", "cancel", read="count", told=4, words=("cancel()", "Cancelled"),
        quick=(CONNECTED,)),
    row("endings:Job", "work", "cancel_itself", read="count", told=4,
        words=("cancel_itself()", "Cancelled")),
    row("endings:Job", "work", "abandon", read="count", told=4, words=("abandon()", "halfway")),
    row("endings:Job", "work", "fall_silent", read="count", told=4,
        words=("fall_silent()", "Mute")),
    row("endings:Job", "work", "interrupt", read="count", told=4,
        words=("interrupt()", "KeyboardInterrupt")),
    row("endings:Job", "work", "close", read="count", told=4, words=("close()", "GeneratorExit")),
    row("endings:Doomed", "work", told=4, words=("Abandoned", "at once"), quick=(CONNECTED,)),
    row("endings:Unreadable", "work", read="read", told=4, words=("read", "secret")),
    # --- states that only look alike
    row("drifting:Dice(instance)", "roll", plan=ONE, told=5, words=("instance 0", "where="),
        quick=(CONNECTED,)),
    # --- what is not a literal
    row("varying:Mixer", "work(os.getpid())", read="value", told=2,
        words=("os.getpid()", "factory", "wrapper"), quick=(CONNECTED,)),
    row("varying:Mixer(open('x'))", "work(1)", read="value", told=2,
        words=("open('x')", "factory", "wrapper")),
    row("varying:Mixer", "work(instance ** 2)", read="value", told=2,
        words=("instance ** 2", "factory", "wrapper")),
    row("varying:Mixer", "work(round(instance / 3))", read="value", told=2,
        words=("factory", "wrapper")),
]  # fmt: skip

ADVISED = [
    row("unchanging:Money(instance)", "plus(5)", plan=ONE, words=("change nothing",),
        quick=(CONNECTED,)),
    row("unchanging:Place(instance)", "moved(5)", plan=ONE, words=("change nothing",)),
    row("unchanging:Thermostat", "measure(20)", read="heating", plan=ONE,
        words=("change nothing",)),
    row("shared:Registry(instance)", "register('a')", plan=ONE, words=("Registry.entries",),
        quick=(CONNECTED, LOCAL)),
    row("shared:Registry(instance)", "register('a')", read="name", plan=ONE,
        words=("Registry.entries",)),
    row("shared:Ticket", "draw * 2", plan=ONE, words=("_made",)),
    row("shared:Config", "set(1)", read="values", plan=ONE, words=("Config._instance",)),
]  # fmt: skip

NEAR = ONE | {"agree": 1e-9}
TOLERATED = [
    row("drifting:Noise('complex')", "take", read="value", plan=NEAR),
    row("drifting:Noise('decimal')", "take", read="value", plan=NEAR),
    row("drifting:Noise('set')", "take", read="value", plan=NEAR),
    row("drifting:Noise('array')", "take", read="value", plan=NEAR, quick=(CONNECTED,)),
    row("drifting:Noise('list')", "take", plan=NEAR),
]
