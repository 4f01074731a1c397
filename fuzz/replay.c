/* replay.c - runs a fuzz target without libFuzzer: every seed as it is, then random mutations of the seeds.
 *
 *     fuzz_x CORPUS_FOLDER N
 *
 * Mutations (bit flips, byte changes, cuts, repeats, splices of two seeds) come from a fixed seed, so a failure repeats.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MAX_SEEDS 512
#define MAX_BYTES (1u << 20)

static size_t mutate(tft_rng *rng, const char *seed, size_t n, const char *other, size_t n_other, uint8_t *out)
{
    memcpy(out, seed, n);
    const size_t edits = 1 + tft_rng_below(rng, 6);
    for (size_t e = 0; e < edits; e++) {
        const size_t at = n == 0 ? 0 : tft_rng_below(rng, n);
        switch (tft_rng_below(rng, 5)) {
        case 0:
            if (n > 0)
                out[at] ^= (uint8_t)(1u << tft_rng_below(rng, 8));
            break;
        case 1:
            if (n > 0)
                out[at] = (uint8_t)tft_rng_next(rng);
            break;
        case 2:
            n = at; // cut short
            break;
        case 3: { // repeat a piece
            const size_t length = n - at < 64 ? n - at : 64;
            if (length > 0 && n + length <= MAX_BYTES) {
                memmove(out + at + length, out + at, n - at);
                n += length;
            }
            break;
        }
        default: { // a piece of another seed
            const size_t from = n_other == 0 ? 0 : tft_rng_below(rng, n_other);
            size_t length = n_other - from < 256 ? n_other - from : 256;
            if (at + length > MAX_BYTES)
                length = 0;
            if (length > 0) {
                memcpy(out + at, other + from, length);
                n = at + length > n ? at + length : n;
            }
        }
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    static char *seeds[MAX_SEEDS];
    static size_t sizes[MAX_SEEDS];
    size_t n_seeds = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER MUTATIONS\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && n_seeds < MAX_SEEDS;
         entry = readdir(folder)) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] != '.' && tft_file_read(path, MAX_BYTES, &seeds[n_seeds], &sizes[n_seeds], NULL) == TFT_OK)
            n_seeds++;
    }
    if (folder)
        closedir(folder);
    if (n_seeds == 0) {
        fprintf(stderr, "%s: no seeds\n", argv[1]);
        return 1;
    }
    for (size_t i = 0; i < n_seeds; i++)
        LLVMFuzzerTestOneInput((const uint8_t *)seeds[i], sizes[i]);

    tft_rng rng = tft_rng_seeded(1, 0);
    uint8_t *const out = malloc(2 * MAX_BYTES);
    const long wanted = strtol(argv[2], NULL, 10);
    for (long k = 0; out && k < wanted; k++) {
        const size_t a = tft_rng_below(&rng, n_seeds), b = tft_rng_below(&rng, n_seeds);
        const size_t n = mutate(&rng, seeds[a], sizes[a], seeds[b], sizes[b], out);
        uint8_t *const exact = malloc(n ? n : 1); // an exact block, so that a sanitizer sees one byte too many
        memcpy(exact, out, n);
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    printf("%zu seeds and %ld mutations: no fault\n", n_seeds, wanted);
    free(out);
    for (size_t i = 0; i < n_seeds; i++)
        free(seeds[i]);
    return 0;
}
