#!/usr/bin/env python3
"""A daemon that starts again says what it said before it was killed: out of blocks, out of counted steps, and out of raw records alone;
and where the blocks are damaged, too."""
import os
import sqlite3
import time
import unittest

from serving import Daemon, tick

STEP = 300
PER_STEP = 4
STEPS = 330
PAGES = ("/predictions/current", "/api/v1/servers", "/api/v1/servers/ppdb002", "/api/v1/forecasts/ppdb002", "/api/v1/forecasts/ppweb007")
MOMENTS = ("prediction_time", "finished_at", "forecast_id", "data_lag_s", "forecast_age_s", "age_s", "track")  # and how good it has been, which is worked out later


def lasting(value):
    """Without what tells when and how often it was worked out."""
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if key not in MOMENTS}
    if isinstance(value, list):
        return [lasting(item) for item in value]
    return value


class Restart(unittest.TestCase):
    def pages(self, d):
        d.wait_for("a forecast of all that was sent", lambda: [
            server["records"] for server in d.predictions().get("predictions", {}).values()] == [STEPS * PER_STEP] * 20)
        said = {}
        for path in PAGES:
            status, page = d.get(path)
            self.assertEqual(status, 200, path)
            said[path] = lasting(page)
        return said

    def database(self, d):
        return sqlite3.connect(os.path.join(d.data, "db", "tftd.db"), timeout=10)

    def is_settled(self, d):
        db = self.database(d)
        due = db.execute("SELECT count(*) FROM steps_due").fetchone()[0]
        blocks, newest = db.execute("SELECT count(*), max(block) FROM step_blocks").fetchone()
        last = db.execute("SELECT max(time) FROM step_log").fetchone()[0]
        db.close()
        return due == 0 and blocks > 0 and newest + 1 == last // (64 * STEP * 1000)

    def restart(self, d, text=None):
        d.kill()
        if text:
            db = self.database(d)
            db.executescript(text)
            db.commit()
            db.close()
        d.start()

    def test_every_way_of_reading_the_disk_gives_the_same_pages(self):
        start = (int(time.time()) - 10 * 86400) // STEP * STEP  # an old file that is replayed: time stands still in it
        with Daemon(environment={"TFTD_STORE_RETENTION_RECORDS": "30d"}) as d:
            for n in range(STEPS * PER_STEP):
                self.assertEqual(d.post(tick(start + n * STEP // PER_STEP))[0], 200)
            before = self.pages(d)
            d.wait_for("the blocks to be packed", lambda: self.is_settled(d), timeout=120)
            for how, text in (
                ("blocks", None),
                ("steps", "DELETE FROM step_blocks; INSERT OR IGNORE INTO blocks_due SELECT DISTINCT time / 19200000 FROM step_log"),
                ("records", "DELETE FROM step_blocks; DELETE FROM step_log; INSERT OR IGNORE INTO steps_due "
                            "SELECT DISTINCT time - time % 300000 FROM records"),
            ):
                self.restart(d, text)
                after = self.pages(d)
                for path in PAGES:
                    self.assertEqual(after[path], before[path], "%s, out of %s" % (path, how))
            d.wait_for("the blocks to be packed again", lambda: self.is_settled(d), timeout=120)
            self.restart(d, "UPDATE step_blocks SET vals = x'00' || vals")
            self.assertEqual(self.pages(d), before)


if __name__ == "__main__":
    unittest.main()
