"""Words: numbers, times and values from elsewhere as a page shows them."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

__all__ = ["duration", "moment", "number", "setting", "shortened", "with_minus"]

_LONGEST = 300


def number(value: float) -> str:
    """A measured number with four digits that count; a dash where there is none.

    >>> number(0.0628), number(60_000), number(1.5e-7), number(math.inf), number(math.nan)
    ('0.0628', '60,000', '1.5e−7', 'infinite', '–')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if 1000 <= abs(value) < 1e12:
        return with_minus(f"{value:,.0f}")
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return with_minus(f"{mantissa}e{int(exponent)}" if exponent else mantissa)


def with_minus(text: str) -> str:
    """A number as text with the sign of typesetters, which is as wide as a plus.

    >>> with_minus("-0.5")
    '−0.5'
    """
    return text.replace("-", "−")


def duration(seconds: float) -> str:
    """A time in the units that fit it.

    >>> duration(0.25), duration(12.34), duration(125), duration(7265), duration(math.nan)
    ('0.25 s', '12.3 s', '2 min 5 s', '2 h 1 min', '–')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def moment(text: object) -> str:
    """A time as a log has it, for people.

    >>> moment("2026-11-29T11:06:16Z"), moment("2026-11-29T11:06:16.25+00:00"), moment("today")
    ('2026-11-29 11:06 UTC', '2026-11-29 11:06 UTC', 'today')
    """
    try:
        return f"{datetime.fromisoformat(str(text)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return setting(text)


def setting(value: object) -> str:
    """The value of a setting, whatever JSON has; long ones are cut.

    >>> setting(None), setting(True), setting([300, 100]), setting(0.02), setting("cpu")
    ('none', 'yes', '300, 100', '0.02', 'cpu')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        text = ", ".join(map(setting, value)) or "none"
    elif isinstance(value, dict):
        text = json.dumps(value)
    else:
        text = str(value)
    return shortened(text, _LONGEST)


def shortened(text: str, most: int) -> str:
    """A text of no more than `most` letters.

    >>> shortened("a long text", 7)
    'a long…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
