"""Writes recurrence_cases.txt: random rules of RFC 5545's subset and when they begin, according to python-dateutil and zoneinfo.

    python3 tests/notify/make_recurrence_cases.py > tests/notify/recurrence_cases.txt

A line: zone | rule | start (UTC seconds) | begin, begin, … ("." where there are no more). Only the standard library and
python-dateutil (2.9) are used; a test reads the file, so dateutil is needed only to make it anew.
"""
import datetime
import random
import zoneinfo

from dateutil import rrule

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
         "Europe/Dublin", "America/Santiago", "Asia/Tehran"]
UTC = datetime.timezone.utc


def utc(local, zone):
    return int(local.replace(tzinfo=zone, fold=0).timestamp())


def one(rng):
    name = rng.choice(ZONES)
    zone = zoneinfo.ZoneInfo(name)
    start = datetime.datetime(rng.choice([2024, 2025, 2026, 2033, 2041]), rng.randint(1, 12), 1, rng.choice([0, 1, 2, 2, 3, 12, 23]),
                              rng.choice([0, 30, 59])) + datetime.timedelta(days=rng.randint(0, 30))
    freq = rng.choice(["DAILY", "WEEKLY", "MONTHLY"])
    parts = ["FREQ=" + freq]
    arguments = {"freq": getattr(rrule, freq), "dtstart": start}
    if rng.random() < 0.5:
        arguments["interval"] = rng.randint(1, 5)
        parts.append("INTERVAL=%d" % arguments["interval"])
    if rng.random() < 0.6:
        days, chosen = [], []
        numbered = freq == "MONTHLY" and rng.random() < 0.7  # all or none: dateutil takes a mixture as "and", RFC 5545 as "or"
        for day in rng.sample(range(7), rng.randint(1, 3)):
            ordinal = rng.choice([1, 2, 4, 5, -1, -2]) if numbered else None
            days.append(("%d" % ordinal if ordinal else "") + DAYS[day])
            weekday = getattr(rrule, DAYS[day])
            chosen.append(weekday(ordinal) if ordinal else weekday)
        parts.append("BYDAY=" + ",".join(days))
        arguments["byweekday"] = chosen
    if freq == "WEEKLY" and rng.random() < 0.3:
        day = rng.randrange(7)
        parts.append("WKST=" + DAYS[day])
        arguments["wkst"] = getattr(rrule, DAYS[day])
    last_utc = None
    end = rng.random()
    if end < 0.2:
        arguments["count"] = rng.randint(1, 9)
        parts.append("COUNT=%d" % arguments["count"])
    elif end < 0.4:
        until = start + datetime.timedelta(days=rng.randint(1, 200), hours=rng.randint(-5, 5))
        arguments["until"] = until
        parts.append("UNTIL=" + until.strftime("%Y%m%dT%H%M%S"))
    elif end < 0.5:
        until = start + datetime.timedelta(days=rng.randint(1, 200))
        parts.append("UNTIL=" + until.strftime("%Y%m%dT%H%M%SZ"))
        last_utc = int(until.replace(tzinfo=UTC).timestamp())
    begins = []
    for local in rrule.rrule(**arguments):
        at = utc(local, zone)
        if last_utc is not None and at > last_utc:
            begins.append(".")
            break
        begins.append(str(at))
        if len(begins) == 10:
            break
    else:
        begins.append(".")
    print("%s|%s|%d|%s" % (name, ";".join(parts), utc(start, zone), ",".join(begins)))


rng = random.Random(5545)
for _ in range(800):
    one(rng)
