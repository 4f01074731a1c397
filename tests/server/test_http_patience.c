/* test_http_patience.c - how many connections there may be, whichever threads meet them. */
#include "server/http_patience.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static bool is_shut(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Two threads may both have been told that there is room before either connection counts. */
static void the_last_place_is_given_once(void **state)
{
    (void)state;
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(40000)};
    const struct sockaddr *const address = (const void *)&from;
    const patience_limits limits = {.header_ms = 60000, .body_ms = 60000, .max = 1};
    int first[2], second[2];
    patience *p = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
    assert_int_equal(patience_open(&limits, &p, NULL), TFT_OK);
    assert_true(patience_takes(p, address));
    assert_true(patience_takes(p, address));
    patience_guest *const a = patience_meet(p, first[0], address), *const b = patience_meet(p, second[0], address);
    assert_false(is_shut(first[1]));
    assert_true(is_shut(second[1]));
    assert_int_equal(patience_count(p).crowded, 1);
    patience_part(a);
    patience_part(b);
    assert_true(patience_takes(p, address));
    patience_close(p);
    for (size_t i = 0; i < 2; i++) {
        close(first[i]);
        close(second[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_place_is_given_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
