/* test_http_client.c - requests against a server of one page, which says what the test wants it to say. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/http_client.h"

typedef struct page {
    int listener;
    pthread_t thread;
    const char *says;   // the whole answer; NULL = nothing at all, until the client goes
    char request[2048]; // what it was asked
} page;

static void *serve(void *context)
{
    page *const p = context;
    const int s = accept(p->listener, NULL, NULL);
    size_t n = 0;
    while (n + 1 < sizeof p->request) {
        const ssize_t got = read(s, p->request + n, sizeof p->request - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        const char *const end = strstr(p->request, "\r\n\r\n"), *const length = strstr(p->request, "Content-Length: ");
        const size_t body = length != NULL ? (size_t)strtoul(length + 16, NULL, 10) : 0;
        if (p->says != NULL && end != NULL && n >= (size_t)(end + 4 - p->request) + body)
            break;
    }
    if (p->says != NULL && write(s, p->says, strlen(p->says)) < 0)
        perror("write");
    close(s);
    return NULL;
}

static http_client *open_page(page *p, const char *says, http_client_options *o)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof to;
    char url[64];
    http_client *c = NULL;
    tft_error err = {0};
    *p = (page){.listener = socket(AF_INET, SOCK_STREAM, 0), .says = says};
    assert_int_equal(bind(p->listener, (struct sockaddr *)&to, size), 0);
    assert_int_equal(listen(p->listener, 1), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&to, &size), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/page", ntohs(to.sin_port));
    o->url = url;
    o->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 5000;
    if (http_client_open(o, &c, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return c;
}

static void close_page(page *p, http_client *c)
{
    http_client_close(c);
    pthread_join(p->thread, NULL);
    close(p->listener);
}

static void a_body_and_its_headers_arrive_and_the_answer_is_kept_up_to_its_bound(void **state)
{
    (void)state;
    page p;
    http_client_options o = {.headers = {"Content-Type: application/json", "X-Key: k"}, .answer_max = 4};
    http_client *const c = open_page(&p, "HTTP/1.1 503 no\r\nRetry-After: 7\r\nContent-Length: 6\r\n\r\nabcdef", &o);
    const http_answer answer = http_client_ask(c, "{\"a\": 1}", 8);
    assert_int_equal(answer.status, 503);
    assert_int_equal(answer.retry_after_s, 7);
    assert_int_equal(answer.n, 4);
    assert_string_equal(answer.body, "abcd");
    assert_string_equal(answer.why, "");
    close_page(&p, c);
    assert_non_null(strstr(p.request, "POST /page HTTP/1.1\r\n"));
    assert_non_null(strstr(p.request, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(p.request, "X-Key: k\r\n"));
    assert_non_null(strstr(p.request, "\r\n\r\n{\"a\": 1}"));
    assert_null(strstr(p.request, "Expect:"));
}

static void without_a_body_it_is_a_get(void **state)
{
    (void)state;
    page p;
    http_client_options o = {.answer_max = 100};
    http_client *const c = open_page(&p, "HTTP/1.1 200 fine\r\nContent-Length: 2\r\n\r\nok", &o);
    const http_answer answer = http_client_ask(c, NULL, 0);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "ok");
    close_page(&p, c);
    assert_non_null(strstr(p.request, "GET /page HTTP/1.1\r\n"));
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
    (void)state;
    page p;
    http_client_options o = {.answer_max = 100};
    http_client *const c =
        open_page(&p, "HTTP/1.1 302 there\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", &o);
    assert_int_equal(http_client_ask(c, "x", 1).status, 302);
    close_page(&p, c);
}

static bool at_once(const void *context)
{
    (void)context;
    return true;
}

static void a_request_under_way_ends_when_it_is_told_to(void **state)
{
    (void)state;
    page p;
    http_client_options o = {.answer_max = 100, .timeout_ms = 60000, .stop = at_once};
    http_client *const c = open_page(&p, NULL, &o);
    const double start = tft_monotonic_s();
    const http_answer answer = http_client_ask(c, "x", 1);
    assert_int_equal(answer.status, 0);
    assert_true(answer.why[0] != '\0' && tft_monotonic_s() - start < 30.0);
    shutdown(p.listener, SHUT_RDWR); // it may never have been asked
    close_page(&p, c);
}

static void only_http_with_a_host_is_a_url(void **state)
{
    (void)state;
    assert_true(http_client_usable("http://127.0.0.1:8000") && http_client_usable("https://host/path"));
    assert_false(http_client_usable("ftp://host") || http_client_usable("host") || http_client_usable("http://"));
}

static void what_others_say_becomes_one_line(void **state)
{
    (void)state;
    char text[] = "a\nb\x7f\xc3\xbc\x1b[", same[] = "a\nb\x7f\xc3\xbc\x1b[";
    http_client_one_line(text, true);
    assert_string_equal(text, "a b    [");
    http_client_one_line(same, false);
    assert_string_equal(same, "a b \xc3\xbc [");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_and_its_headers_arrive_and_the_answer_is_kept_up_to_its_bound),
        cmocka_unit_test(without_a_body_it_is_a_get),
        cmocka_unit_test(a_redirect_is_an_answer_and_is_not_followed),
        cmocka_unit_test(a_request_under_way_ends_when_it_is_told_to),
        cmocka_unit_test(only_http_with_a_host_is_a_url),
        cmocka_unit_test(what_others_say_becomes_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
