"""How figures, money and dates are written on the pages (the words of the visual standard), as Jinja filters."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from crowd_hitl.domain.money import MICROS, units

NONE = "–"
MINUS = "−"
SYMBOLS = {"USD": "$"}


def count(figure: int | None) -> str:
    """Write a whole number: 4,999."""
    return NONE if figure is None else f"{figure:,}".replace("-", MINUS)


def figures(amount_micros: int | None) -> str:
    """Write an amount without its currency, never rounded: 55.52."""
    if amount_micros is None:
        return NONE
    whole, _, cents = units(abs(amount_micros)).partition(".")
    sign = MINUS if amount_micros < 0 else ""
    return f"{sign}{int(whole):,}.{cents}"


def money(amount_micros: int | None, currency: str = "USD") -> str:
    """Write an amount, never rounded: $115.35, 115.35 EUR."""
    if amount_micros is None:
        return NONE
    return _with_currency(figures(abs(amount_micros)), currency, negative=amount_micros < 0)


def per_label(amount_micros: float | None, currency: str = "USD") -> str:
    """Write what one label costs, a mean, with three decimals: $0.128."""
    return NONE if amount_micros is None else _with_currency(_rounded(amount_micros, places=3), currency)


def hourly(amount_micros: float | None, currency: str = "USD") -> str:
    """Write an estimated pay by the hour, rounded to cents: $21.60."""
    return NONE if amount_micros is None else _with_currency(_rounded(amount_micros, places=2), currency)


def percent(share: float | None) -> str:
    """Write a share with one decimal: 91.4%."""
    return NONE if share is None else f"{100 * share:.1f}%"


def points(half: float) -> str:
    """Write half an interval, in points of a hundred, as it stands after the share: ± 3.4."""
    return f"± {100 * half:.1f}"


def confidence(share: float | None) -> str:
    """Write a confidence with two decimals: 0.95. What is not certain never reads as 1.00."""
    if share is None:
        return NONE
    return "0.99" if 0.99 <= share < 0.9995 else f"{share:.2f}"


def seconds(length: float | None) -> str:
    """Write a length of time: 9.0 s, 3 min 20 s, 3 h 14 min."""
    if length is None:
        return NONE
    if length < 60:
        return f"{length:.1f} s"
    whole = round(length)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def day(when: date | None, now: datetime | None = None) -> str:
    """Write a day: Sun 22 Nov; with the year when it is not this one."""
    if when is None:
        return NONE
    year = f" {when.year}" if now is not None and when.year != now.year else ""
    return f"{when:%a} {when.day} {when:%b}{year}"


def moment(when: datetime | None, now: datetime | None = None) -> str:
    """Write a moment: 22 Nov, 08:31 (the view says once that it is UTC)."""
    if when is None:
        return NONE
    year = f" {when.year}" if now is not None and when.year != now.year else ""
    return f"{when.day} {when:%b}{year}, {when:%H:%M}"


def plural(figure: int, one: str, many: str = "") -> str:
    """Write a number with its noun: 1 answer, 2 answers."""
    return f"{count(figure)} {one if figure == 1 else many or one + 's'}"


def initial(word: str) -> str:
    """Return a word's first letter or digit, as a vote's cell shows it."""
    return next((letter.upper() for letter in word if letter.isalnum()), "?")


def width(part: float, whole: float) -> str:
    """Return a part of a bar in hundredths, for an SVG of width 100."""
    return f"{min(100.0, max(0.0, 100 * part / whole)):.2f}" if whole else "0"


FILTERS: dict[str, Callable[..., str]] = {
    "number": count,
    "figures": figures,
    "money": money,
    "per_label": per_label,
    "hourly": hourly,
    "percent": percent,
    "points": points,
    "confidence": confidence,
    "seconds": seconds,
    "day": day,
    "moment": moment,
    "plural": plural,
    "initial": initial,
    "bar": width,
}


def _rounded(amount_micros: float, *, places: int) -> str:
    value = Decimal(repr(float(amount_micros))) / MICROS
    return f"{value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN):,}"


def _with_currency(shown: str, currency: str, *, negative: bool = False) -> str:
    sign = MINUS if negative else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{shown}" if symbol else f"{sign}{shown} {currency}"
