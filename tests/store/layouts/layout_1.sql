-- tftd.db as layout 1 had it, with a row of everything.
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counters(one INTEGER PRIMARY KEY CHECK(one = 1), ticks INTEGER NOT NULL, records_total INTEGER NOT NULL,  window_size INTEGER NOT NULL, duplicates_total INTEGER NOT NULL, conflicts_total INTEGER NOT NULL,  filled_total INTEGER NOT NULL, late_total INTEGER NOT NULL, rejected_total INTEGER NOT NULL);
INSERT INTO counters VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0);
CREATE TABLE metrics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE servers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, profile INTEGER NOT NULL,  state INTEGER NOT NULL, records INTEGER NOT NULL, first_ms INTEGER NOT NULL, newest_ms INTEGER NOT NULL);
CREATE TABLE records(time INTEGER NOT NULL, server INTEGER NOT NULL, arrival INTEGER NOT NULL,  state INTEGER NOT NULL, vals BLOB NOT NULL, PRIMARY KEY(time, server)) WITHOUT ROWID;
CREATE TABLE steps(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,  state INTEGER NOT NULL, vals BLOB, PRIMARY KEY(time, server)) WITHOUT ROWID;
CREATE TABLE alerts(server TEXT NOT NULL, metric TEXT NOT NULL, severity INTEGER NOT NULL, firing INTEGER NOT NULL,  since_ms INTEGER NOT NULL, below_ms INTEGER NOT NULL, PRIMARY KEY(server, metric)) WITHOUT ROWID;


INSERT INTO meta VALUES('step_ms', 300000);
INSERT INTO metrics(id, name) VALUES(0, 'cpu_pct'), (1, 'mem_pct'), (2, 'disk_io_mb_s'), (3, 'latency_ms');
UPDATE counters SET ticks = 7, records_total = 12, window_size = 2, duplicates_total = 1;
INSERT INTO servers(id, name, profile, state, records, first_ms, newest_ms) VALUES(1, 'ppdb001', 2, 2, 12, 1760284800000, 1760371205000);
INSERT INTO records(time, server, arrival, state, vals) VALUES(1760371200000, 1, 1760371200000, 2, X'0000000000c042400000000000a04e409a99999999d961403333333333332240'), (1760371205000, 1, 1760371205000, 2, X'00000000004043400000000000c04e40cdccccccccdc61406666666666662240');
INSERT INTO steps(time, server, records, state, vals) VALUES(1760284800000, 1, 10, 2, X'0000f4410a00000070420a000000c8420a00000000410a00');
INSERT INTO alerts VALUES('ppdb001', 'cpu_pct', 1, 1, 1760371200000, -1);
PRAGMA user_version = 1;
