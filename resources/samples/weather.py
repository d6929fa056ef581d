"""Five thousand small entries: a weather station's readings, hour by hour."""

from collections.abc import Iterator
from datetime import datetime, timedelta

ENTRIES = 5_000
START = datetime(2026, 1, 1)  # noqa: DTZ001 - the station's clock has no zone
WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def entries() -> Iterator[tuple[str, object]]:
    """Yield keys and readings; every number follows from the hour alone."""
    for hour in range(ENTRIES):
        at = START + timedelta(hours=hour)
        yield f"{at:%Y-%m-%d %H:%M}", _reading(hour, at)


def _reading(hour: int, at: datetime) -> dict[str, object]:
    season = 12 - abs(at.timetuple().tm_yday - 196) / 10
    noon = 6 - abs(at.hour - 14) / 2
    gust = hour * 7919 % 101
    return {
        "taken": at,
        "temperature": round(season + noon + gust % 7 / 5, 1),
        "wind": (WINDS[hour * 31 // 17 % 8], gust / 4),
        "rain": gust % 13 == 0,
        "pressure": 1_013 + hour * 37 // 11 % 23 - 11,
    }
