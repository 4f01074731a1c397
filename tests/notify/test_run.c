/* test_run.c - tests src/notify/run.c: programs that read, refuse, hang, shout and leave children behind. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "notify/run.h"

static char folder[] = "/tmp/tftd-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return tft_remove_folder(folder, NULL) != TFT_OK;
}

/* A receiver whose program is a script of these lines. */
static notify_receiver script(const char *lines)
{
    notify_receiver r = notify_receiver_default();
    r.kind = NOTIFY_COMMAND;
    r.n_words = 3;
    snprintf(r.words[0], sizeof r.words[0], "%s/script", folder);
    snprintf(r.words[1], sizeof r.words[1], "a word; touch %s/no $(touch %s/no)", folder, folder);
    snprintf(r.words[2], sizeof r.words[2], "%s", folder);
    FILE *const file = fopen(r.words[0], "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", lines);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(r.words[0], 0700), 0);
    return r;
}

static char *content(const char *name, size_t *n)
{
    char path[256], *bytes = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(tft_file_read(path, (size_t)8 << 20, &bytes, n, NULL), TFT_OK);
    return bytes;
}

static bool is_there(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return tft_file_exists(path);
}

static void the_message_is_its_input_and_its_words_are_what_they_are(void **state)
{
    const notify_receiver r = script("cat >\"$2/body\"; printf %s \"$1\" >\"$2/word\"; pwd >\"$2/where\"; "
                                     "env | sort >\"$2/env\"; ls /proc/$$/fd >\"$2/fds\"");
    char *const body = malloc(1 << 20), *got, word[256];
    size_t n;
    post_answer answer;
    (void)state;
    for (size_t i = 0; i < 1 << 20; i++)
        body[i] = (char)('a' + i % 26);
    notify_run(&r, body, 1 << 20, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.why, "");
    got = content("body", &n);
    assert_int_equal(n, 1 << 20);
    assert_memory_equal(got, body, n);
    free(got);
    free(body);
    got = content("word", &n);
    snprintf(word, sizeof word, "%.*s", (int)n, got);
    assert_string_equal(word, r.words[1]);
    free(got);
    got = content("where", &n);
    assert_int_equal(n, 2); // "/"
    free(got);
    got = content("env", &n);
    assert_non_null(strstr(got, "PATH=/usr/local/sbin:"));
    assert_null(strstr(got, "HOME="));
    free(got);
    got = content("fds", &n);
    assert_null(strstr(got, "\n4\n")); // 0, 1, 2, and what the shell reads the script from
    free(got);
    assert_false(is_there("no"));
}

static void what_it_says_when_it_fails_says_why_in_one_line(void **state)
{
    const notify_receiver r = script("printf 'no\\nsuch \\033[31mpager' >&2; exit 3");
    post_answer answer;
    (void)state;
    notify_run(&r, "{}", 2, NULL, &answer);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.why, "ended with 3: no such  [31mpager");
}

static void a_program_that_reads_nothing_and_shouts_is_told_all_the_same(void **state)
{
    const notify_receiver r = script("exec <&-; head -c 3000000 /dev/zero");
    char *const body = calloc(1, 1 << 20);
    post_answer answer;
    (void)state;
    notify_run(&r, body, 1 << 20, NULL, &answer);
    assert_int_equal(answer.status, 200);
    free(body);
}

static void one_that_hangs_is_ended_with_all_that_it_started(void **state)
{
    notify_receiver r = script("(trap '' TERM HUP; sleep 3; touch \"$2/late\") & sleep 600");
    post_answer answer;
    (void)state;
    r.timeout_ms = 400;
    const double before = tft_monotonic_s();
    notify_run(&r, "{}", 2, NULL, &answer);
    assert_true(tft_monotonic_s() - before < 3);
    assert_int_equal(answer.status, 0);
    assert_string_equal(answer.why, "had not ended after 0.4 s");
    sleep(4);
    assert_false(is_there("late"));
}

static void one_that_leaves_a_child_with_its_output_is_not_waited_for(void **state)
{
    const notify_receiver r = script("(sleep 600) & exit 0");
    post_answer answer;
    (void)state;
    const double before = tft_monotonic_s();
    notify_run(&r, "{}", 2, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(tft_monotonic_s() - before < 5);
}

static void a_signal_a_missing_program_and_a_stop_are_told(void **state)
{
    static const atomic_bool stop = true;
    notify_receiver r = script("kill -9 $$");
    post_answer answer;
    (void)state;
    notify_run(&r, "{}", 2, NULL, &answer);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.why, "died of signal 9"));
    r = script("sleep 600");
    notify_run(&r, "{}", 2, &stop, &answer);
    assert_int_equal(answer.status, 0);
    snprintf(r.words[0], sizeof r.words[0], "%s/nobody", folder);
    notify_run(&r, "{}", 2, NULL, &answer);
    assert_int_equal(answer.status, 0);
    assert_non_null(strstr(answer.why, "/nobody: No such file or directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_is_its_input_and_its_words_are_what_they_are),
        cmocka_unit_test(what_it_says_when_it_fails_says_why_in_one_line),
        cmocka_unit_test(a_program_that_reads_nothing_and_shouts_is_told_all_the_same),
        cmocka_unit_test(one_that_hangs_is_ended_with_all_that_it_started),
        cmocka_unit_test(one_that_leaves_a_child_with_its_output_is_not_waited_for),
        cmocka_unit_test(a_signal_a_missing_program_and_a_stop_are_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
