"""What it cost and what it brought: a contact, an extra response, and all of it; with intervals, or not defined."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Subquery, case, func, literal, select

from engine.metrics import SHARES, MetricSpec
from response.beside import beside
from response.charges import MILLICENTS, charged, has_left
from response.exact import product_sums, whole
from response.facts import Comparison, Experiment
from response.metrics import CENTS
from response.parts import As, Cell, Chart, Column, Part, Say, Section, Table, Word, say
from response.population import assigned, of_campaign
from response.sayings import note_said
from response.sides import money_of, outcome_of
from response.sources import Sources
from response.statistics.fieller import Pair, ratio_of_differences
from response.statistics.means import difference_of_means
from response.statistics.sums import UNDEFINED, Effect, Sums


def section(sources: Sources) -> Section | None:
    """Costs by channel and by group, then what each group brought beside the control. None when nothing was sent or compared."""
    experiment = next((each for each in sources.report.experiments if each.primary), None)
    charges = _charges(sources, experiment)
    accounts = _accounts(sources, experiment) if experiment and not experiment.broken else []
    if not (charges or accounts):
        return None
    parts = [*_said(sources, charges, accounts, experiment), *_brought(accounts), *_costs(charges, experiment)]
    return Section("money", tuple(parts))


@dataclass(frozen=True, slots=True)
class _Charge:
    """The messages over one channel to one group; `arm` None for whoever is not compared."""

    channel: str
    arm: str | None
    messages: int
    units: int
    millicents: int


@dataclass(frozen=True, slots=True)
class _Arm:
    """One group's sums over its customers assigned: what they cost, whether they responded, and the money that they brought."""

    cost: Sums
    response: Sums
    money: Sums
    response_cost: int
    money_cost: int


@dataclass(frozen=True, slots=True)
class _Account:
    """One group beside the control. Money is per group, in the currency's unit; what a lift with zero in it cannot carry is undefined."""

    arm: str
    control: str
    response: str  # the metric's name
    kind: str  # margin | turnover
    extra_cost: float
    extra_responses: Effect
    cost_per_response: Effect
    extra_money: Effect
    net: Effect
    returned: Effect  # by 1 of cost


def _said(sources: Sources, charges: list[_Charge], accounts: list[_Account], experiment: Experiment | None) -> Iterator[Part]:
    """What an analyst would say aloud, the account first."""
    for account in accounts:
        yield _balance(account)
        yield _price(account)
    if experiment is None:
        yield say("money.no_control")
    elif experiment.broken:
        yield say("money.not_valid", "alarm")
    yield _charged(charges)
    yield from (note_said(each) for each in sources.report.notes if each.code == "costs_in")
    if accounts and accounts[0].kind == "turnover":
        yield say("money.not_margin", "soft")
    if accounts and sources.report.window.open_customers:
        yield say("money.early", "soft")


def _balance(account: _Account) -> Say:
    extra = account.extra_money
    names = (*_groups(account), ("extra", As("extra", extra)))
    if account.extra_cost <= 0:
        return Say(f"money.free.{account.kind}", names)
    names = (*names, ("cost", As("money", account.extra_cost)))
    if extra.low is None or extra.high is None or extra.low <= 0 <= extra.high:
        return Say(f"money.unknown.{account.kind}", names).behind("money-accounts", "return_on_cost")
    way = "paid" if extra.low > 0 else "lost"
    if way == "paid":  # a sum that was brought needs no sign
        names = tuple((name, As("money", extra) if name == "extra" else value) for name, value in names)
    returned = (("one", As("money", 1)), ("returned", As("money", account.returned)))
    return Say(f"money.{way}.{account.kind}", (*names, *returned)).behind("money-accounts", "return_on_cost")


def _price(account: _Account) -> Say:
    names = (*_groups(account), ("metric", Word("metric", account.response)))
    if account.cost_per_response.estimate is None:
        return Say("money.no_price", names).behind("money-accounts", "cost_per_response")
    cost = ("cost", As("money", account.cost_per_response))
    return Say("money.price", (*names, cost)).behind("money-accounts", "cost_per_response")


def _groups(account: _Account) -> tuple[tuple[str, As | Word | Say | str], ...]:
    return ("arm", Word("arm", account.arm)), ("control", Word("arm", account.control))


def _charged(charges: list[_Charge]) -> Part:
    messages, _, cost = _added(charges)
    if not messages:
        return say("money.nothing_sent")
    if not cost:
        return say("money.no_cost", messages=As("count", messages))
    return say("money.charged", messages=As("count", messages), cost=As("money", cost), each=As("money", cost / messages)).behind(
        "money-channels"
    )


def _brought(accounts: list[_Account]) -> Iterator[Part]:
    """The accounts as a table, and the balance of each as a chart."""
    if not accounts:
        return
    money = f"extra_{accounts[0].kind}"
    columns = (
        Column("group", "text", words="arm"),
        Column("extra_cost", "money", define="extra_cost"),
        Column("extra_responses", "change", define="extra_responses"),
        Column("cost_per_response", "money", define="cost_per_response"),
        Column(money, "extra", define=money),
        Column("net", "extra", define="net"),
        Column("return_on_cost", "number", define="return_on_cost"),
    )
    rows = tuple(
        (each.arm, each.extra_cost, each.extra_responses, each.cost_per_response, each.extra_money, each.net, each.returned)
        for each in accounts
    )
    table = Table("money-accounts", columns, rows, title=say("money.accounts"))
    yield table
    if any(each.net.low is not None for each in accounts):
        yield Chart("money-net", "intervals", say(f"money.chart.{accounts[0].kind}"), table, "group", "net")


def _costs(charges: list[_Charge], experiment: Experiment | None) -> Iterator[Part]:
    """What was charged: by channel, and by group."""
    if not charges:
        return
    by_channel: dict[str, list[_Charge]] = {channel: [] for channel in sorted({each.channel for each in charges})}
    by_arm: dict[str | None, list[_Charge]] = {}
    for each in charges:
        by_channel[each.channel].append(each)
        by_arm.setdefault(each.arm, []).append(each)
    columns = (Column("channel", "text", words="channel"), *_CHARGED_COLUMNS, Column("cost_each", "money", define="cost_each"))
    rows: list[tuple[Cell, ...]] = [(channel, *_added(found), _each(found)) for channel, found in by_channel.items()]
    rows.append((Word("page", "sum"), *_added(charges), _each(charges)))
    yield Table("money-channels", columns, tuple(rows), total=len(rows) - 1, sums=_SUMMED, title=say("money.channels"))
    if experiment:
        yield _by_group(by_arm, experiment, charges)


def _by_group(by_arm: Mapping[str | None, list[_Charge]], experiment: Experiment, charges: list[_Charge]) -> Table:
    columns = (
        Column("group", "text", words="arm"),
        Column("assigned", define="assigned"),
        *_CHARGED_COLUMNS,
        Column("cost_head", "money", define="cost_head"),
    )
    rows: list[tuple[Cell, ...]] = []
    for arm in experiment.arms:
        messages, units, cost = _added(by_arm.get(arm.arm, []))
        rows.append((arm.arm, arm.assigned, messages, units, cost, cost / arm.assigned if arm.assigned else None))
    if None in by_arm:
        rows.append(("not_compared", None, *_added(by_arm[None]), None))
    rows.append((Word("page", "sum"), None, *_added(charges), None))
    return Table("money-groups", columns, tuple(rows), total=len(rows) - 1, sums=_SUMMED, folded=True, title=say("money.groups"))


_CHARGED_COLUMNS = (Column("messages", define="messages"), Column("units", define="units"), Column("cost", "money", define="cost"))
_SUMMED = ("messages", "units", "cost")


def _added(charges: list[_Charge]) -> tuple[int, int, float]:
    millicents = sum(each.millicents for each in charges)
    return sum(each.messages for each in charges), sum(each.units for each in charges), millicents / MILLICENTS


def _each(charges: list[_Charge]) -> float | None:
    messages, _, cost = _added(charges)
    return cost / messages if messages else None


def _charges(sources: Sources, experiment: Experiment | None) -> list[_Charge]:
    """Messages and costs by channel and by group of the primary experiment; those of nobody's group are what is left of all."""
    everyone = of_campaign(sources.everyone, select(sources.everyone.members.c.id.label("member_id"), literal("").label("arm"))).subquery(
        "everyone"
    )
    every = _charged_to(sources, everyone)
    if experiment is None:
        return every
    arms = assigned(sources.population)
    mine = _charged_to(sources, select(arms.c.member_id, arms.c.arm).where(arms.c.node == experiment.node).subquery("mine"))
    return [*mine, *(left for each in every if (left := _left(each, mine)).messages)]


def _charged_to(sources: Sources, people: Subquery) -> list[_Charge]:
    """The messages to these members (member_id, arm; an empty arm is none); one statement."""
    outbox = sources.population.messages
    counted = (func.count(), func.coalesce(func.sum(outbox.c.units), 0), func.coalesce(func.sum(outbox.c.cost_millicents), 0))
    key = (outbox.c.channel, people.c.arm)
    joined = people.join(outbox, outbox.c.member_id == people.c.member_id)
    statement = select(*key, *counted).select_from(joined).where(has_left(sources.population)).group_by(*key).order_by(*key)
    rows = sources.session.connection().execute(statement)
    return [_Charge(channel, arm or None, messages, int(units), int(cost)) for channel, arm, messages, units, cost in rows]


def _left(every: _Charge, mine: list[_Charge]) -> _Charge:
    """What one channel's messages leave after those to groups."""
    found = [each for each in mine if each.channel == every.channel]
    messages, units, cost = (sum(getattr(each, name) for each in found) for name in ("messages", "units", "millicents"))
    return _Charge(every.channel, None, every.messages - messages, every.units - units, every.millicents - cost)


def _accounts(sources: Sources, experiment: Experiment) -> list[_Account]:
    """Each group beside the control, in the order written."""
    response, money = _response(sources), money_of(sources)
    lifts = {each.arm: each for each in sources.report.comparisons if (each.node, each.metric) == (experiment.node, response.name)}
    sums = _arm_sums(sources, experiment.node, response, money)
    control = sums.get(experiment.control)
    if control is None:
        return []
    names = [arm.arm for arm in experiment.arms if arm.arm in lifts and arm.arm in sums]
    return [_account(lifts[name], sums[name], control, "margin" if money.of == "margin" else "turnover") for name in names]


def _account(lift: Comparison, arm: _Arm, control: _Arm, kind: str) -> _Account:
    n = arm.cost.n
    money = _times(difference_of_means(arm.money, control.money), n)
    cost = difference_of_means(arm.cost, control.cost).estimate or 0.0
    return _Account(
        arm=lift.arm,
        control=lift.control,
        response=lift.metric,
        kind=kind,
        extra_cost=cost * n,
        extra_responses=_times(lift.absolute, n),
        cost_per_response=_cost_per_response(lift, arm, control) if cost > 0 else UNDEFINED,
        extra_money=money,
        net=_times(difference_of_means(_net(arm), _net(control)), n),
        returned=_return(arm, control) if cost > 0 and _excludes_zero(money) else UNDEFINED,
    )


def _cost_per_response(lift: Comparison, arm: _Arm, control: _Arm) -> Effect:
    if lift.absolute.low is None or lift.absolute.low <= 0:
        return UNDEFINED
    pairs = [Pair(each.cost, each.response, each.response_cost) for each in (arm, control)]
    return ratio_of_differences(pairs[0], pairs[1])


def _return(arm: _Arm, control: _Arm) -> Effect:
    pairs = [Pair(each.money, each.cost, each.money_cost) for each in (arm, control)]
    return ratio_of_differences(pairs[0], pairs[1])


def _net(arm: _Arm) -> Sums:
    """Money less cost of each customer, counted in millicents."""
    scale = MILLICENTS // arm.money.unit
    return Sums(
        arm.cost.n,
        arm.money.y * scale - arm.cost.y,
        arm.money.yy * scale**2 - 2 * scale * arm.money_cost + arm.cost.yy,
        MILLICENTS,
    )


def _times(effect: Effect, customers: int) -> Effect:
    """An effect per customer as one on so many customers."""
    estimate, low, high = (None if each is None else each * customers for each in (effect.estimate, effect.low, effect.high))
    return Effect(estimate, low, high)


def _excludes_zero(effect: Effect) -> bool:
    return effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high


def _response(sources: Sources) -> MetricSpec:
    """The response that is paid for: the primary metric when customers do it or not, else a purchase."""
    primary = sources.metrics[sources.report.metrics[0]]
    return primary if primary.of in SHARES and primary.per is None and primary.better == "more" else sources.metrics["purchase"]


def _arm_sums(sources: Sources, node: str, response: MetricSpec, money: MetricSpec) -> dict[str, _Arm]:
    """Each group's sums and sums of products; one statement."""
    arms = assigned(sources.population)
    names = sorted({arm.arm for each in sources.report.experiments if each.node == node for arm in each.arms})
    place = case(*((arms.c.arm == name, place) for place, name in enumerate(names))).label("place")
    everyone = select(arms.c.member_id, place).where(arms.c.node == node).subquery("everyone")
    facts = (charged(sources.population), outcome_of(sources, response, "done"), outcome_of(sources, money, "money"))
    each = beside(everyone, *facts)
    c, r, m = each.c.cost, each.c.done, each.c.money
    products = [half for pair in ((c, c), (m, m), (r, c), (m, c)) for half in product_sums(*pair)]
    statement = select(each.c.place, func.count(), func.sum(c), func.sum(r), func.sum(m), *products).group_by(each.c.place)
    return {names[found]: _arm(*map(_whole, row)) for found, *row in sources.session.connection().execute(statement)}


def _whole(value: object) -> int:
    return int(value or 0)  # type: ignore[call-overload,no-any-return]  # a whole number, a Decimal of one, or NULL


def _arm(n: int, cost: int, responses: int, money: int, *halves: int) -> _Arm:
    costs, moneys, response_cost, money_cost = (whole(*pair) for pair in zip(halves[::2], halves[1::2], strict=True))
    return _Arm(Sums(n, cost, costs, MILLICENTS), Sums(n, responses, responses), Sums(n, money, moneys, CENTS), response_cost, money_cost)
