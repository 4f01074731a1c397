/* test_trainer.c - tests src/train/trainer.c and what it is made of: it learns, it repeats, it goes on. */
#include "train/small_training.h"

#include "base/clock.h"
#include "tft/forecaster.h"

static void assert_same_file(const char *a, const char *b, const char *name, bool same)
{
    char path[1024], *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    snprintf(path, sizeof path, "%s/%s", a, name);
    assert_int_equal(tft_file_read(path, (size_t)1 << 30, &x, &n, NULL), TFT_OK);
    snprintf(path, sizeof path, "%s/%s", b, name);
    assert_int_equal(tft_file_read(path, (size_t)1 << 30, &y, &m, NULL), TFT_OK);
    assert_int_equal(n == m && memcmp(x, y, n) == 0, same);
    free(x);
    free(y);
}

typedef struct watch {
    double first_loss, last_loss, last_validation;
    size_t n_steps, n_epochs, stop_at_step, stop_at_epoch; // 0 = never
} watch;

static bool look(void *context, const tft_train_progress *p)
{
    watch *const w = context;
    if (p->epoch_end) {
        w->n_epochs++;
        w->last_validation = p->validation_loss;
        w->last_loss = p->loss;
        return w->stop_at_epoch == 0 || w->n_epochs < w->stop_at_epoch;
    }
    if (w->n_steps++ == 0)
        w->first_loss = p->loss;
    return w->stop_at_step == 0 || p->step < w->stop_at_step;
}

/* Mean absolute error over a horizon of the model's median, and of the last value, on one server's last days. */
static void errors_on(const tft_series *series, const char *model, double *network, double *last_value)
{
    tft_forecaster *f = NULL;
    float quantiles[8 * 3];
    uint8_t ok = 0;
    *network = *last_value = 0;
    assert_int_equal(tft_forecaster_open(model, 1, &f, NULL), TFT_OK);
    for (size_t origin = 200; origin < 290; origin += 3) {
        const tft_request request = {.series = series, .origin = series->first_step + (int64_t)origin};
        const tft_forecast forecast = {.quantiles = quantiles, .ok = &ok};
        assert_int_equal(tft_forecaster_run(f, &request, 1, 0, &forecast, NULL), TFT_OK);
        assert_int_equal(ok, 1);
        for (size_t t = 0; t < 8; t++) {
            const double truth = (double)series->values[origin + 1 + t];
            *network += fabs((double)quantiles[t * 3 + 1] - truth);
            *last_value += fabs((double)series->values[origin] - truth);
        }
    }
    tft_forecaster_close(f);
}

static void training_lowers_the_loss_and_beats_the_last_value(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char path[512];
    watch w = {0};
    double network, last_value;
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    o.epochs = 4;
    o.steps_per_epoch = 25;
    o.batch = 32;
    o.holdout_servers = "vm12";
    assert_int_equal(small_train(&dataset, &o, look, &w, path), TFT_OK);
    assert_int_equal(w.n_steps, 100);
    assert_int_equal(w.n_epochs, 4);
    assert_true(w.last_loss < 0.7 * w.first_loss);
    assert_true(w.last_validation > 0.05 * w.first_loss && w.last_validation < 0.7 * w.first_loss);
    errors_on(&dataset.series[tft_dataset_find(&dataset, "vm12", 4)], path, &network, &last_value);
    assert_true(network < 0.5 * last_value);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void the_same_seed_gives_the_same_bytes_and_another_seed_does_not(void **state)
{
    const small_folder a = folder_make(), b = folder_make(), c = folder_make();
    tft_dataset dataset = {0};
    char path_a[512], path_b[512], path_c[512];
    (void)state;
    small_fleet(&dataset, 2);
    tft_train_options o = small_options(&a);
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path_a), TFT_OK);
    o.out = b.path;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path_b), TFT_OK);
    o.out = c.path;
    o.seed = 2;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path_c), TFT_OK);
    assert_same_file(path_a, path_b, "model.safetensors", true);
    assert_same_file(path_a, path_b, "config.json", true);
    assert_same_file(path_a, path_c, "model.safetensors", false);
    tft_dataset_close(&dataset);
    folder_remove(&a);
    folder_remove(&b);
    folder_remove(&c);
}

static void check_resume(const tft_dataset *dataset, const char *whole, size_t stop_at_step, size_t stop_at_epoch)
{
    const small_folder out = folder_make();
    char stopped[512], resumed[512];
    watch first = {.stop_at_step = stop_at_step, .stop_at_epoch = stop_at_epoch}, second = {0};
    tft_forecaster *f = NULL;
    tft_train_options o = small_options(&out);
    assert_int_equal(small_train(dataset, &o, look, &first, stopped), TFT_ERR_INTERRUPTED);
    assert_int_equal(tft_forecaster_open(stopped, 1, &f, NULL), TFT_OK); // usable
    tft_forecaster_close(f);
    o.resume = true;
    assert_int_equal(small_train(dataset, &o, look, &second, resumed), TFT_OK);
    assert_int_equal(first.n_steps + second.n_steps, o.epochs * o.steps_per_epoch);
    assert_int_equal(first.n_epochs + second.n_epochs, o.epochs);
    assert_same_file(whole, resumed, "model.safetensors", true);
    assert_same_file(whole, stopped, "model.safetensors", false);
    folder_remove(&out);
}

static void an_interrupted_training_goes_on_to_the_same_bytes(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char whole[512];
    (void)state;
    small_fleet(&dataset, 1);
    const tft_train_options o = small_options(&out);
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, whole), TFT_OK);
    check_resume(&dataset, whole, 2, 0); // inside the first epoch
    check_resume(&dataset, whole, 6, 0); // before its validation
    check_resume(&dataset, whole, 0, 1); // after it
    check_resume(&dataset, whole, 9, 0); // inside the second
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void a_finished_training_resumes_to_the_same_model(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char first[512], second[512];
    watch w = {0};
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, first), TFT_OK);
    o.resume = true;
    assert_int_equal(small_train(&dataset, &o, look, &w, second), TFT_OK);
    assert_int_equal(w.n_steps, 0);
    assert_string_not_equal(first, second); // a directory of its own, a second later
    assert_same_file(first, second, "model.safetensors", true);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void resuming_with_other_options_or_data_is_refused(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0}, other = {0};
    char path[512];
    tft_error err = {0};
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path), TFT_OK);
    o.resume = true;
    o.learning_rate = 0.001;
    assert_int_equal(tft_train(&dataset, &o, NULL, NULL, path, sizeof path, &err), TFT_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "checkpoint.tft: made with lr=0.005"));
    const tft_contract c = small_contract(1, 3600000, 24, 8);
    assert_int_equal(tft_dataset_open(&c, &other, NULL), TFT_OK);
    fill_fleet(&other, 12, 301, 0.05);
    o = small_options(&out);
    o.resume = true;
    err = (tft_error){0};
    assert_int_equal(tft_train(&other, &o, NULL, NULL, path, sizeof path, &err), TFT_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "data="));
    tft_dataset_close(&dataset);
    tft_dataset_close(&other);
    folder_remove(&out);
}

static void a_damaged_checkpoint_is_refused(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char path[512], checkpoint[512], *bytes = NULL;
    size_t n = 0;
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path), TFT_OK);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.tft", out.path);
    assert_int_equal(tft_file_read(checkpoint, (size_t)1 << 30, &bytes, &n, NULL), TFT_OK);
    o.resume = true;
    const size_t cuts[] = {0, 7, 8, 100, n / 2, n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        tft_error err = {0};
        assert_int_equal(tft_file_replace(checkpoint, bytes, cuts[i], NULL), TFT_OK);
        assert_int_equal(tft_train(&dataset, &o, NULL, NULL, path, sizeof path, &err), TFT_ERR_FORMAT);
        assert_non_null(strstr(err.text, "checkpoint.tft"));
    }
    unlink(checkpoint);
    assert_int_equal(tft_train(&dataset, &o, NULL, NULL, path, sizeof path, NULL), TFT_ERR_NOT_FOUND);
    free(bytes);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void a_time_limit_ends_a_training_without_a_number_of_epochs(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char path[512];
    watch w = {0};
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    o.epochs = 0;
    o.patience = 0;
    o.max_time_s = 1.5;
    const double before = tft_monotonic_s();
    assert_int_equal(small_train(&dataset, &o, look, &w, path), TFT_OK);
    assert_true(tft_monotonic_s() - before < 60);
    assert_true(w.n_steps > 0 && w.n_epochs > 0);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void any_step_horizon_and_number_of_targets_trains(void **state)
{
    const small_folder out = folder_make();
    const tft_contract c = small_contract(5, 900000, 30, 7);
    tft_dataset dataset = {0};
    char path[512];
    (void)state;
    assert_int_equal(tft_dataset_open(&c, &dataset, NULL), TFT_OK);
    fill_fleet(&dataset, 1, 400, 0.1); // one server: the last tenth of time validates
    tft_train_options o = small_options(&out);
    o.mixture = false;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path), TFT_OK);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void a_head_that_counts_for_nothing_does_not_spoil_the_choice_of_the_best(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char path[512];
    double network, last_value;
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    o.hazard = true;
    o.hazard_weight = 0;
    o.steps_per_epoch = 25;
    o.batch = 32;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path), TFT_OK);
    errors_on(&dataset.series[0], path, &network, &last_value);
    assert_true(network < 0.7 * last_value);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

/* The ablation: whatever stands in front of the outputs' constants is 0, so that nothing but the anchors reaches them. */
static void only_the_mixtures_constants_are_learned_where_asked(void **state)
{
    (void)state;
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    tft_train_options o = small_options(&out);
    tft_forecaster *f = NULL;
    char path[512];
    bool moved = false;
    small_fleet(&dataset, 1);
    o.only_mixture = true;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, path), TFT_OK);
    assert_int_equal(tft_forecaster_open(path, 1, &f, NULL), TFT_OK);
    const tft_model *const model = tft_forecaster_model(f);
    size_t n_matrices = 0;
    for (size_t i = 0; i < tft_model_n_parameters(model); i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        const bool output = strncmp(p.name, "output_layer", 12) == 0 || strncmp(p.name, "mixture_layer", 13) == 0;
        const bool matrix = output && strstr(p.name, ".weight") != NULL;
        n_matrices += matrix;
        for (size_t k = 0; k < p.n; k++) {
            assert_true(!matrix || p.data[k] == 0.0f);
            moved = moved || (output && !matrix && fabsf(p.data[k]) > 0);
        }
    }
    assert_true(n_matrices >= 2);
    assert_true(moved);
    tft_forecaster_close(f);
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

/* Servers whose sine is above their rule's level for some hours a day. */
static void troubled_fleet(tft_dataset *dataset)
{
    tft_contract c = small_contract(1, 3600000, 24, 8);
    c.incident = (tft_incident_rule){.by_metric = true, .metric = 0, .level = 12, .steps = 2};
    assert_int_equal(tft_dataset_open(&c, dataset, NULL), TFT_OK);
    fill_fleet(dataset, 12, 300, 0.05);
}

static void incidents_of(const char *model, const tft_series *series, size_t steps, float incident[8])
{
    tft_forecaster *f = NULL;
    const tft_request request = {.series = series, .origin = series->first_step + 200};
    const tft_forecast forecast = {.incident = incident};
    assert_int_equal(tft_forecaster_open(model, 1, &f, NULL), TFT_OK);
    assert_int_equal(tft_forecaster_run(f, &request, 1, steps, &forecast, NULL), TFT_OK);
    tft_forecaster_close(f);
}

static bool count_preparing(void *context, const tft_train_progress *p)
{
    *(size_t *)context += p->preparing > 0;
    return true;
}

static bool stop_preparing(void *context, const tft_train_progress *p)
{
    (void)context;
    return p->preparing == 0;
}

static void a_judge_is_written_beside_the_network_and_changes_what_is_said_of_incidents_alone(void **state)
{
    const small_folder out = folder_make(), plain_out = folder_make();
    tft_dataset dataset = {0};
    char path[512], plain[512], again[512], name[1024];
    size_t n_said = 0;
    float with[8], without[8], few[8];
    tft_error err = {0};
    (void)state;
    troubled_fleet(&dataset);
    tft_train_options o = small_options(&out);
    o.hazard = true;
    o.trees = 20;
    assert_int_equal(small_train(&dataset, &o, count_preparing, &n_said, path), TFT_OK);
    assert_true(n_said > 0);
    o.n_threads = 1;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, again), TFT_OK);
    assert_same_file(path, again, "incident_judge.safetensors", true);
    o.n_threads = 2;
    o.trees = 0;
    o.out = plain_out.path;
    assert_int_equal(small_train(&dataset, &o, NULL, NULL, plain), TFT_OK);
    assert_same_file(path, plain, "model.safetensors", true);
    incidents_of(path, &dataset.series[0], 0, with);
    incidents_of(plain, &dataset.series[0], 0, without);
    incidents_of(path, &dataset.series[0], 3, few);
    assert_true(memcmp(with, without, sizeof with) != 0);
    assert_memory_equal(with, few, 3 * sizeof *few);
    for (size_t t = 1; t < 8; t++)
        assert_true(with[t] >= with[t - 1] && with[t] <= 1);
    o.trees = 20;
    assert_int_equal(tft_train(&dataset, &o, stop_preparing, NULL, again, sizeof again, &err), TFT_ERR_STATE);
    assert_non_null(strstr(err.text, "nothing was written"));
    snprintf(name, sizeof name, "%s/incident_judge.safetensors", path);
    unlink(name);
    tft_forecaster *f = NULL;
    err = (tft_error){0};
    assert_int_equal(tft_forecaster_open(path, 1, &f, &err), TFT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "incident_judge.safetensors: missing"));
    tft_dataset_close(&dataset);
    folder_remove(&out);
    folder_remove(&plain_out);
}

static void data_without_a_window_are_an_error(void **state)
{
    const small_folder out = folder_make();
    const tft_contract c = small_contract(1, 3600000, 24, 8);
    tft_dataset dataset = {0};
    char path[512];
    tft_error err = {0};
    (void)state;
    assert_int_equal(tft_dataset_open(&c, &dataset, NULL), TFT_OK);
    fill_fleet(&dataset, 1, 2, 0.1);
    const tft_train_options o = small_options(&out);
    assert_int_equal(tft_train(&dataset, &o, NULL, NULL, path, sizeof path, &err), TFT_ERR_STATE);
    assert_non_null(strstr(err.text, "no window"));
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

static void options_out_of_range_are_named(void **state)
{
    const small_folder out = folder_make();
    tft_dataset dataset = {0};
    char path[512];
    tft_error err = {0};
    (void)state;
    small_fleet(&dataset, 1);
    tft_train_options o = small_options(&out);
    o.batch = 0;
    assert_int_equal(tft_train(&dataset, &o, NULL, NULL, path, sizeof path, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "batch is 0"));
    tft_dataset_close(&dataset);
    folder_remove(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_lowers_the_loss_and_beats_the_last_value),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_seed_does_not),
        cmocka_unit_test(an_interrupted_training_goes_on_to_the_same_bytes),
        cmocka_unit_test(a_finished_training_resumes_to_the_same_model),
        cmocka_unit_test(resuming_with_other_options_or_data_is_refused),
        cmocka_unit_test(a_damaged_checkpoint_is_refused),
        cmocka_unit_test(a_time_limit_ends_a_training_without_a_number_of_epochs),
        cmocka_unit_test(any_step_horizon_and_number_of_targets_trains),
        cmocka_unit_test(a_head_that_counts_for_nothing_does_not_spoil_the_choice_of_the_best),
        cmocka_unit_test(only_the_mixtures_constants_are_learned_where_asked),
        cmocka_unit_test(a_judge_is_written_beside_the_network_and_changes_what_is_said_of_incidents_alone),
        cmocka_unit_test(data_without_a_window_are_an_error),
        cmocka_unit_test(options_out_of_range_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
