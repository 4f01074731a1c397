/* database_steps.c - see database_steps.h. Statements are prepared for each call: a mark is written once a step, the rest in the
 * background. */
#include "store/database_steps.h"

#include <endian.h>
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "store/database_blocks.h"
#include "store/database_internal.h"

/* Runs `text` with one number. */
static tft_status run_with(database *db, const char *text, int64_t value, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, text, &one, err);
    if (status == TFT_OK) {
        sqlite3_bind_int64(one, 1, value);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_mark_step(database *db, int64_t time_ms, tft_error *err)
{
    return run_with(db, "INSERT OR IGNORE INTO steps_due(time) VALUES(?1)", time_ms, err);
}

tft_status database_unmark_step(database *db, int64_t time_ms, tft_error *err)
{
    return run_with(db, "DELETE FROM steps_due WHERE time = ?1", time_ms, err);
}

tft_status database_due_step(database *db, int64_t before_ms, int64_t *time_ms, tft_error *err)
{
    return database_number(db, "SELECT max(time) FROM steps_due WHERE time < ?1", before_ms, INT64_MIN, time_ms, err);
}

static void put_float(unsigned char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htole32(bits);
    memcpy(to, &bits, sizeof bits);
}

size_t database_pack_logged(const database_logged_step *step, unsigned char *blob)
{
    for (size_t i = 0; i < step->n_values; i++) {
        unsigned char *const at = blob + i * DATABASE_STEP_LOG_BYTES;
        const uint32_t count = htole32(step->counts[i]);
        put_float(at, step->means[i]);
        put_float(at + 4, step->least[i]);
        put_float(at + 8, step->most[i]);
        memcpy(at + 12, &count, sizeof count);
    }
    return step->n_values * DATABASE_STEP_LOG_BYTES;
}

static float get_float(const unsigned char *at)
{
    uint32_t bits;
    float value;
    memcpy(&bits, at, sizeof bits);
    bits = le32toh(bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

database_values database_read_logged(const unsigned char *at)
{
    uint32_t count;
    memcpy(&count, at + 12, sizeof count);
    return (database_values){get_float(at), get_float(at + 4), get_float(at + 8), le32toh(count)};
}

database_values database_read_sealed(const unsigned char *at)
{
    uint16_t count;
    memcpy(&count, at + 4, sizeof count);
    count = le16toh(count);
    return (database_values){count > 0 ? get_float(at) : NAN, NAN, NAN, count};
}

static const char put_step[] =
    "INSERT INTO step_log(time, server, records, state, vals) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(time, server) DO "
    "UPDATE SET records = ?3, state = ?4, vals = ?5 WHERE records IS NOT ?3 OR state IS NOT ?4 OR vals IS NOT ?5";

tft_status database_log_steps(database *db, int64_t block, const database_logged_step *(*next)(void *context),
                              void *context, tft_error *err)
{
    unsigned char blob[DATABASE_STEP_LOG_BYTES * DATABASE_MAX_METRICS];
    const database_logged_step *step;
    sqlite3_stmt *one = NULL, *drop = NULL;
    bool any = false;
    tft_status status = database_prepare(db, put_step, &one, err);
    if (status == TFT_OK)
        status = database_prepare(db, "DELETE FROM step_blocks WHERE block = ?1 AND server = ?2", &drop, err);
    while (status == TFT_OK && (step = next(context)) != NULL) {
        size_t n_changed = 0;
        sqlite3_bind_int64(one, 1, step->time_ms);
        sqlite3_bind_int64(one, 2, step->server);
        sqlite3_bind_int64(one, 3, step->records);
        sqlite3_bind_int(one, 4, step->state);
        sqlite3_bind_blob(one, 5, blob, (int)database_pack_logged(step, blob), SQLITE_STATIC);
        status = database_run(db, one, &n_changed, err);
        if (status != TFT_OK || n_changed == 0)
            continue;
        any = true;
        sqlite3_bind_int64(drop, 1, block);
        sqlite3_bind_int64(drop, 2, step->server);
        status = database_run(db, drop, NULL, err);
    }
    sqlite3_finalize(one);
    sqlite3_finalize(drop);
    return status == TFT_OK && any ? database_mark_block(db, block, err) : status;
}
