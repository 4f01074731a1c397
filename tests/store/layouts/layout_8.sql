-- tftd.db as layout 8 had it, with a row of everything.
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counters(one INTEGER PRIMARY KEY CHECK(one = 1), ticks INTEGER NOT NULL, records_total INTEGER NOT NULL,  window_size INTEGER NOT NULL, duplicates_total INTEGER NOT NULL, conflicts_total INTEGER NOT NULL,  filled_total INTEGER NOT NULL, late_total INTEGER NOT NULL, rejected_total INTEGER NOT NULL);
INSERT INTO counters VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0);
CREATE TABLE metrics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE servers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, profile INTEGER NOT NULL,  state INTEGER NOT NULL, records INTEGER NOT NULL, first_ms INTEGER NOT NULL, newest_ms INTEGER NOT NULL);
CREATE TABLE records(time INTEGER NOT NULL, server INTEGER NOT NULL, arrival INTEGER NOT NULL,  state INTEGER NOT NULL, vals BLOB NOT NULL, PRIMARY KEY(time, server)) WITHOUT ROWID;
CREATE TABLE steps(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,  state INTEGER NOT NULL, vals BLOB, PRIMARY KEY(time, server)) WITHOUT ROWID;
CREATE TABLE alerts(server TEXT NOT NULL, metric TEXT NOT NULL, severity INTEGER NOT NULL, firing INTEGER NOT NULL,  since_ms INTEGER NOT NULL, below_ms INTEGER NOT NULL, PRIMARY KEY(server, metric)) WITHOUT ROWID;

DROP TABLE alerts;
CREATE TABLE alerts(id TEXT PRIMARY KEY, server TEXT NOT NULL, profile TEXT NOT NULL, kind TEXT NOT NULL,  metric TEXT NOT NULL, severity TEXT NOT NULL, status TEXT NOT NULL, mute TEXT NOT NULL,  inhibited_by TEXT NOT NULL, starts_ms INTEGER NOT NULL, since_ms INTEGER, ends_ms INTEGER, below_ms INTEGER,  expected_ms INTEGER, p10_ms INTEGER, p50_ms INTEGER, p90_ms INTEGER, minutes_ahead INTEGER, value REAL,  threshold REAL, current REAL, probability REAL, crossing REAL, ack_by TEXT, ack_comment TEXT, ack_ms INTEGER,  ack_until_ms INTEGER) WITHOUT ROWID;
CREATE INDEX alerts_by_start ON alerts(starts_ms);
CREATE INDEX alerts_by_end ON alerts(ends_ms);
CREATE TABLE deliveries(target TEXT NOT NULL, alert TEXT NOT NULL, told INTEGER NOT NULL,  PRIMARY KEY(target, alert)) WITHOUT ROWID;
CREATE TABLE silences(id TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE maintenance(server INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,  PRIMARY KEY(server, from_ms)) WITHOUT ROWID;

ALTER TABLE servers ADD COLUMN labels TEXT;

CREATE TABLE forecast_sets(number INTEGER PRIMARY KEY AUTOINCREMENT, origin_ms INTEGER NOT NULL,  first_ms INTEGER NOT NULL, model TEXT NOT NULL, rows INTEGER NOT NULL, scored_to INTEGER NOT NULL,  complete INTEGER NOT NULL, UNIQUE(origin_ms, model));
CREATE TABLE forecasts(number INTEGER NOT NULL, server INTEGER NOT NULL, body BLOB NOT NULL,  PRIMARY KEY(number, server)) WITHOUT ROWID;
CREATE TABLE scores(from_ms INTEGER NOT NULL, model TEXT NOT NULL, grp INTEGER NOT NULL, metric INTEGER NOT NULL,  sums BLOB NOT NULL, PRIMARY KEY(from_ms, model, grp, metric)) WITHOUT ROWID;

CREATE TABLE incidents(start_ms INTEGER NOT NULL, server INTEGER NOT NULL, end_ms INTEGER, state INTEGER NOT NULL,  planned INTEGER NOT NULL, PRIMARY KEY(start_ms, server)) WITHOUT ROWID;
CREATE INDEX incidents_by_server ON incidents(server, start_ms);
CREATE INDEX alerts_by_server ON alerts(server, since_ms);
CREATE TABLE environment(start_ms INTEGER PRIMARY KEY, servers INTEGER NOT NULL, stale INTEGER NOT NULL,  in_incident INTEGER NOT NULL, high_risk INTEGER NOT NULL, warnings INTEGER NOT NULL, criticals INTEGER NOT NULL,  unknown INTEGER NOT NULL, critical_issue INTEGER NOT NULL, healthy INTEGER NOT NULL, heavy_load INTEGER NOT NULL,  idle INTEGER NOT NULL, maintenance INTEGER NOT NULL, morning_spike INTEGER NOT NULL, offline INTEGER NOT NULL,  recovery INTEGER NOT NULL, any_30m REAL, any_1h REAL, any_2h REAL, any_4h REAL, any_8h REAL, expected_30m REAL,  expected_1h REAL, expected_2h REAL, expected_4h REAL, expected_8h REAL);

CREATE TABLE step_log(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,  state INTEGER NOT NULL, vals BLOB NOT NULL, PRIMARY KEY(time, server)) WITHOUT ROWID;
CREATE TABLE steps_due(time INTEGER PRIMARY KEY);

INSERT INTO meta VALUES('step_ms', 300000);
INSERT INTO metrics(id, name) VALUES(0, 'cpu_pct'), (1, 'mem_pct'), (2, 'disk_io_mb_s'), (3, 'latency_ms');
UPDATE counters SET ticks = 7, records_total = 12, window_size = 2, duplicates_total = 1;
INSERT INTO servers(id, name, profile, state, records, first_ms, newest_ms) VALUES(1, 'ppdb001', 2, 2, 12, 1760284800000, 1760371205000);
INSERT INTO records(time, server, arrival, state, vals) VALUES(1760371200000, 1, 1760371200000, 2, X'0000000000c042400000000000a04e409a99999999d961403333333333332240'), (1760371205000, 1, 1760371205000, 2, X'00000000004043400000000000c04e40cdccccccccdc61406666666666662240');
INSERT INTO steps(time, server, records, state, vals) VALUES(1760284800000, 1, 10, 2, X'0000f4410a00000070420a000000c8420a00000000410a00');
INSERT INTO alerts(id, server, profile, kind, metric, severity, status, mute, inhibited_by, starts_ms, since_ms) VALUES('a-0000000000000001', 'ppdb001', 'database', 'threshold', 'cpu_pct', 'warning', 'firing', '', '', 1760371200000, 1760371200000);
INSERT INTO maintenance(server, from_ms, to_ms) VALUES(1, 1760371199000, 1760371200000);
UPDATE servers SET labels = '{"team": "db"}';
INSERT INTO forecast_sets(origin_ms, first_ms, model, rows, scored_to, complete) VALUES(1760371200000, 1760371500000, 'tft_model_20251101_090000', 1, 0, 1);
INSERT INTO forecasts(number, server, body) VALUES(1, 1, X'0100');
INSERT INTO incidents(start_ms, server, end_ms, state, planned) VALUES(1760370600000, 1, 1760370900000, 1, 0);
INSERT INTO step_log(time, server, records, state, vals) VALUES(1760371200000, 1, 1, 2, X'000016420000164200001642010000000000754200007542000075420100000000800e4300800e4300800e430100000000001041000010410000104101000000');
INSERT INTO steps_due VALUES(1760371200000);

CREATE TABLE hours(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,  state INTEGER NOT NULL, sealed INTEGER NOT NULL, vals BLOB, PRIMARY KEY(time, server)) WITHOUT ROWID;
INSERT INTO hours(time, server, records, state, sealed, vals) VALUES(1717171200000, 1, 120, 2, 4095, X'000016420000a0410000b44278000000000075420000704200007a427800000000800e4300000c43000011437800000000001041000000410000204178000000');

CREATE TABLE step_blocks(block INTEGER NOT NULL, server INTEGER NOT NULL, vals BLOB NOT NULL,  PRIMARY KEY(block, server)) WITHOUT ROWID;
CREATE TABLE blocks_due(block INTEGER PRIMARY KEY);
INSERT INTO meta VALUES('blocks', X'0100010203');
INSERT INTO step_blocks VALUES(91686, 1, X'001000004af73f00004b0000e8fe0700500f0000e1ff00001d010020fb1f000024000000');
INSERT INTO blocks_due VALUES(91681);
PRAGMA user_version = 8;
