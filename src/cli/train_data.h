/* train_data.h - the files of `tftd train` as one dataset with groups.
 *
 *     real-07.csv.xz real-08.csv.xz fleet-1.csv@0.2 fleet-2.csv@0.2
 *     '------- group 0: 0.6 -----'  '-- 1: 0.2 --'  '-- 2: 0.2 --'
 *
 * FILE@SHARE opens a group that gets this share of the training windows, whatever its size; files without a share belong
 * to the group before them. Files before the first share get what is left of 1. Without any share there is one group.
 * Each group is a world of its own: a server's files must lie in one group, and equal names in two groups are two
 * servers (the later one is called 1/NAME, 2/NAME, …, so that the number at the end of the name stays).
 */
#ifndef TFTD_CLI_TRAIN_DATA_H
#define TFTD_CLI_TRAIN_DATA_H

#include "cli/flags.h"
#include "cli/model_spec.h"

typedef struct train_data {
    tft_dataset dataset;         // sorted by name
    size_t n_groups;             // 0 = no shares
    uint16_t *group_of;          // [n_servers]
    double share[FLAG_LIST_MAX]; // [n_groups]
} train_data;

/* Settles which metrics, state and profile columns there are (spec->contract), then reads the files. */
tft_status train_data_read(model_spec *spec, const flag_list *files, train_data *data, tft_error *err);
/* The same under a model's contract; of the spec only the names of the columns count. */
tft_status train_data_read_as(const tft_contract *contract, model_spec *spec, const flag_list *files, train_data *data,
                              tft_error *err);
void train_data_free(train_data *data); // accepts a zeroed struct

/* "FILE@0.25" → length of FILE and 0.25; a share of −1 where there is none. False for a share outside 0 … 1. A file that
 * exists under the whole text is that file. */
bool train_data_share(const char *text, size_t *n, double *share);

#endif
