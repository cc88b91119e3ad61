"""Money as whole micro-units (10⁻⁶) of one currency: parsed, shown, rounded once at the border."""

from decimal import Decimal, InvalidOperation

from crowd_hitl.domain.errors import bad_field

MICROS = 1_000_000
# 10^12 units: far above any budget, far below the 64-bit limit when summed.
LARGEST_MICROS = 10**18
# ISO 4217: currencies that are not paid in hundredths.
WITHOUT_MINOR = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
WITH_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def micros(amount: str | int | Decimal, *, field: str = "amount") -> int:
    """Read a decimal amount in currency units ("0.05") as micro-units; refuses floats, signs and sub-micro parts."""
    expected = "a decimal amount such as 0.05 with at most six decimals"
    try:
        value = Decimal(str(amount).strip())
    except InvalidOperation as error:
        raise bad_field(field, expected=expected, found=str(amount)) from error
    if isinstance(amount, float) or not value.is_finite() or value < 0 or abs(value) * MICROS > LARGEST_MICROS:
        raise bad_field(field, expected=expected, found=str(amount))
    scaled = value * MICROS
    if scaled != scaled.to_integral_value():
        raise bad_field(field, expected=expected, found=str(amount))
    return int(scaled)


def units(amount_micros: int) -> str:
    """Show micro-units as a decimal string in currency units: at least two decimals, exact, never rounded."""
    sign = "-" if amount_micros < 0 else ""
    whole, rest = divmod(abs(amount_micros), MICROS)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals}"


def currency_code(text: str) -> str:
    """Return an ISO 4217 style code in capitals; refuses anything but three letters."""
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise bad_field("currency", expected="a three-letter code such as USD", found=text)
    return code


def payable(amount_micros: int, *, currency: str) -> int:
    """Cut an amount down to what can be paid in this currency: whole cents, yen, …; the rest stays due."""
    step = step_micros(currency)
    return amount_micros // step * step


def step_micros(currency: str) -> int:
    """Return the smallest amount that can be paid in this currency: a cent, a yen, …"""
    decimals = 0 if currency in WITHOUT_MINOR else 3 if currency in WITH_THOUSANDTHS else 2
    return int(MICROS // 10**decimals)
