/* small_training.h - options of a training that takes a second, in a folder of its own. */
#ifndef TESTS_TRAIN_SMALL_TRAINING_H
#define TESTS_TRAIN_SMALL_TRAINING_H

#include "train/fleet.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tft/train.h"

typedef struct small_folder {
    char path[64];
} small_folder;

static inline small_folder folder_make(void)
{
    small_folder f = {"/tmp/tftd-test-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

/* Removes a folder with folders in it, two levels deep. */
static inline void folder_remove(const small_folder *f)
{
    char path[512];
    DIR *const list = opendir(f->path);
    assert_non_null(list);
    for (const struct dirent *e = readdir(list); e != NULL; e = readdir(list)) {
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", f->path, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
            tft_remove_folder(path, NULL);
        else
            unlink(path);
    }
    closedir(list);
    rmdir(f->path);
}

static inline tft_train_options small_options(const small_folder *out)
{
    tft_train_options o = tft_train_options_default();
    o.hidden_size = 8;
    o.n_heads = 2;
    o.hidden_continuous_size = 4;
    o.dropout = 0.1f;
    o.hazard = false;
    o.quantiles[0] = 0.1f;
    o.quantiles[1] = 0.5f;
    o.quantiles[2] = 0.9f;
    o.n_quantiles = 3;
    o.epochs = 2;
    o.steps_per_epoch = 6;
    o.batch = 10; // no multiple of the micro-batch: the last one is smaller
    o.micro_batch = 4;
    o.learning_rate = 5e-3;
    o.max_validation_windows = 30;
    o.n_threads = 2;
    o.out = out->path;
    return o;
}

static inline void small_fleet(tft_dataset *dataset, size_t n_metrics)
{
    const tft_contract c = small_contract(n_metrics, 3600000, 24, 8);
    assert_int_equal(tft_dataset_open(&c, dataset, NULL), TFT_OK);
    fill_fleet(dataset, 12, 300, 0.05);
}

/* Trains and returns the status; the model's path goes to path[512]. */
static inline tft_status small_train(const tft_dataset *dataset, const tft_train_options *options,
                                     tft_train_observer observer, void *context, char *path)
{
    tft_error err = {0};
    const tft_status status = tft_train(dataset, options, observer, context, path, 512, &err);
    if (status != TFT_OK && status != TFT_ERR_INTERRUPTED)
        print_message("tft_train: %s\n", err.text);
    return status;
}

#endif
