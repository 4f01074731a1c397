/* pack.c - see pack.h. */
#include "track/pack.h"

#include <math.h>
#include <string.h>

#include "tft/config.h"

#define VERSION 1
#define FLAG_TFT 1
#define FLAG_INCIDENT 2
#define HEAD (4 + 4 * SNAPSHOT_N_HORIZONS)
#define LEVELS 65535.0f

static void put_u16(unsigned char **at, unsigned value)
{
    (*at)[0] = (unsigned char)(value & 0xff);
    (*at)[1] = (unsigned char)(value >> 8);
    *at += 2;
}

static void put_float(unsigned char **at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u16(at, bits & 0xffff);
    put_u16(at, bits >> 16);
}

static unsigned take_u16(const unsigned char **at)
{
    const unsigned value = (unsigned)(*at)[0] | (unsigned)(*at)[1] << 8;
    *at += 2;
    return value;
}

static float take_float(const unsigned char **at)
{
    const uint32_t low = take_u16(at), bits = low | (uint32_t)take_u16(at) << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

size_t track_pack_most(const forecast_snapshot *s)
{
    return HEAD + s->n_targets * (1 + TFT_MAX_NAME + 8 + 2 * FORECAST_N_QUANTILES * s->horizon);
}

static void pack_metric(const char *name, const float *rows, size_t n, unsigned char **at)
{
    const size_t length = strlen(name);
    float least = rows[0], most = rows[0];
    for (size_t i = 1; i < n; i++) {
        least = fminf(least, rows[i]);
        most = fmaxf(most, rows[i]);
    }
    const float step = (most - least) / LEVELS;
    *(*at)++ = (unsigned char)length;
    memcpy(*at, name, length);
    *at += length;
    put_float(at, least);
    put_float(at, step);
    for (size_t i = 0; i < n; i++) {
        const float level = step > 0.0f ? (rows[i] - least) / step + 0.5f : 0.0f;
        put_u16(at, level >= LEVELS ? 65535u : (unsigned)level);
    }
}

size_t track_pack(const forecast_snapshot *s, size_t server, float *scratch, unsigned char *out)
{
    const snapshot_server *const one = &s->servers[server];
    unsigned char *at = out;
    bool any = false;
    if (one->forgotten || s->horizon > TRACK_MAX_HORIZON)
        return 0;
    *at++ = VERSION;
    *at++ = (unsigned char)((one->model_type == SNAPSHOT_TFT ? FLAG_TFT : 0) | (one->in_incident ? FLAG_INCIDENT : 0));
    put_u16(&at, (unsigned)s->horizon);
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++)
        put_float(&at, (float)one->incident_probability[h]);
    for (size_t m = 0; m < s->n_targets; m++) {
        const float *const rows = snapshot_rows(s, server, m, scratch);
        if (rows == NULL)
            continue;
        pack_metric(s->contract->metrics[m].name, rows, FORECAST_N_QUANTILES * s->horizon, &at);
        any = true;
    }
    return any ? (size_t)(at - out) : 0;
}

bool track_unpack(const tft_contract *contract, const unsigned char *body, size_t n, track_said *out)
{
    const unsigned char *at = body, *const end = body + n;
    size_t used = 0;
    if (n < HEAD || body[0] != VERSION)
        return false;
    out->tft = (body[1] & FLAG_TFT) != 0;
    out->in_incident = (body[1] & FLAG_INCIDENT) != 0;
    at += 2;
    out->horizon = take_u16(&at);
    memset(out->rows, 0, sizeof out->rows);
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++)
        out->incident[h] = (double)take_float(&at);
    const size_t cells = FORECAST_N_QUANTILES * out->horizon;
    if (out->horizon == 0 || out->horizon > TRACK_MAX_HORIZON)
        return false;
    while (at < end) {
        const size_t length = *at++;
        if ((size_t)(end - at) < length + 8 + 2 * cells)
            return false;
        const int m = tft_contract_find(contract, (const char *)at, length);
        at += length;
        const float least = take_float(&at), step = take_float(&at);
        if (m < 0) {
            at += 2 * cells;
            continue;
        }
        if (out->n_values - used < cells)
            return false;
        float *const rows = out->values + used;
        for (size_t i = 0; i < cells; i++)
            rows[i] = least + step * (float)take_u16(&at);
        out->rows[m] = rows;
        used += cells;
    }
    return true;
}
