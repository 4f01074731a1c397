/* server_mapping.c - see server_mapping.h. */
#include "train/server_mapping.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

tft_status tft_server_id(const char *name, size_t n, uint32_t *id, tft_error *err)
{
    unsigned char digest[TFT_SHA256_BYTES];
    const tft_status status = tft_sha256(name, n, digest, err);
    if (status != TFT_OK)
        return status;
    const uint32_t head = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
    *id = head % 1000000;
    return TFT_OK;
}

static void write_names(const char *const *names, const uint32_t *ids, size_t n, tft_text *text)
{
    tft_text_puts(text, "{\n \"name_to_id\": {");
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(text, i == 0 ? "\n  " : ",\n  ");
        tft_text_json_string(text, names[i], strlen(names[i]));
        tft_text_printf(text, ": \"%u\"", ids[i]);
    }
    tft_text_puts(text, "\n },\n \"id_to_name\": {");
}

tft_status tft_server_mapping_write(const char *const *names, size_t n, tft_text *text, tft_error *err)
{
    tft_status status = TFT_OK;
    uint32_t *const ids = calloc(n + 1, sizeof *ids);
    uint8_t *const taken = calloc(1000000, 1); // an id may belong to several names: JSON keys must not repeat
    if (ids == NULL || taken == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the ids of %zu servers", n);
        goto done;
    }
    for (size_t i = 0; i < n && status == TFT_OK; i++)
        status = tft_server_id(names[i], strlen(names[i]), &ids[i], err);
    if (status != TFT_OK)
        goto done;
    write_names(names, ids, n, text);
    const char *separator = "\n  ";
    for (size_t i = 0; i < n; i++) {
        if (taken[ids[i]])
            continue;
        taken[ids[i]] = 1;
        tft_text_printf(text, "%s\"%u\": ", separator, ids[i]);
        tft_text_json_string(text, names[i], strlen(names[i]));
        separator = ",\n  ";
    }
    tft_text_printf(text, "\n },\n \"version\": \"1.0\",\n \"total_servers\": %zu\n}\n", n);
done:
    free(ids);
    free(taken);
    return status;
}
