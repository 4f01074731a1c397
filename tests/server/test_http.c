/* test_http.c - tests src/server/http.c over a real socket: roles, paths, refusals, other origins, streams. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/http.h"
#include "server/http_listen.h"

static http_server *server_under_test;
static atomic_int streams_freed, pieces_left, knocks_heard;
static atomic_bool is_stuck;
static http_outcome last_outcome;

/* ---- routes of the test ---------------------------------------------------------------------------------- */

static void route_echo(void *context, const http_request *request, http_reply *reply)
{
    (void)context;
    tft_text_printf(&reply->text, "{\"method\": \"%s\", \"name\": \"%s\", \"key\": \"%s\", \"body\": %zu}",
                    http_method_names[request->method], http_param(request, "name"), request->key_name,
                    request->body_len);
}

static void route_tagged(void *context, const http_request *request, http_reply *reply)
{
    (void)context;
    if (request->method == HTTP_PUT ? !http_if_match(request, reply, "v7") : http_not_modified(request, reply, "v7"))
        return;
    tft_text_puts(&reply->text, "{}");
}

static void route_broken(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    http_reply_problem(reply, 500, "internal", "Internal error", "something of ours");
}

static ptrdiff_t read_pieces(void *context, char *out, size_t max)
{
    (void)context;
    if (pieces_left < 0)
        return HTTP_STREAM_END;
    if (pieces_left == 0)
        return HTTP_STREAM_WAIT;
    pieces_left--;
    assert_true(max >= 5);
    memcpy(out, "piece", 5);
    return 5;
}

static void free_pieces(void *context)
{
    (void)context;
    streams_freed++;
}

static void route_stream(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    reply->stream = read_pieces;
    reply->release = free_pieces;
}

static void route_stuck(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request, (void)reply;
    while (is_stuck)
        usleep(1000);
}

static void alive(void *context)
{
    (void)context;
    knocks_heard++;
}

static const http_parameter of_thing[] = {
    {"name", NULL, "", "x", true}, {"q", "{\"type\": \"string\", \"maxLength\": 3}", "", NULL, false}, {0}};
static const http_parameter of_needed[] = {{"from", NULL, "", "x", true}, {0}};

static const http_route rows[] = {
    {.path = "/api/v1/things/{name}",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_echo,
     .parameters = of_thing},
    {.path = "/api/v1/things/{name}",
     .method = HTTP_POST,
     .role = ROLE_ADMIN,
     .handler = route_echo,
     .parameters = of_thing,
     .takes = "application/json"},
    {.path = "/api/v1/tagged", .method = HTTP_GET, .handler = route_tagged},
    {.path = "/api/v1/tagged", .method = HTTP_PUT, .handler = route_tagged},
    {.path = "/api/v1/broken", .method = HTTP_GET, .handler = route_broken},
    {.path = "/api/v1/stream", .method = HTTP_GET, .handler = route_stream},
    {.path = "/api/v1/needed", .method = HTTP_GET, .handler = route_tagged, .parameters = of_needed},
    {.path = "/stuck", .method = HTTP_GET, .handler = route_stuck},
    {.path = "/old/{name}", .method = HTTP_GET, .handler = route_echo},
    {0}};

static bool admit(void *context, http_request *request, http_reply *reply)
{
    (void)context;
    snprintf(request->key_name, sizeof request->key_name, "reader");
    if (request->route == NULL || request->route->role <= ROLE_READ)
        return true;
    http_reply_refusal(reply, 403, "forbidden", "Forbidden", "no");
    return false;
}

static void observe(void *context, const http_outcome *outcome)
{
    (void)context;
    last_outcome = *outcome;
}

static http_origin origin_of(void *context, const char *origin)
{
    (void)context;
    return origin != NULL && strcmp(origin, "https://a.example") == 0 ? HTTP_KNOWN_ORIGIN : HTTP_UNKNOWN_ORIGIN;
}

static int start(void **state)
{
    (void)state;
    static const char *const listen_at[] = {"127.0.0.1:0"};
    static const http_route *const families[] = {rows};
    const http_options how = {.listen = listen_at,
                              .n_listen = 1,
                              .max_body = 1000,
                              .body_budget = 100000,
                              .max_connections = 16,
                              .max_connections_per_ip = 16,
                              .idle_timeout_s = 5,
                              .threads = 1,
                              .origin_of = origin_of,
                              .families = families,
                              .n_families = 1,
                              .admit = admit,
                              .alive = alive,
                              .observe = observe};
    streams_freed = 0;
    return http_open(&how, &server_under_test, NULL) != TFT_OK;
}

static int stop(void **state)
{
    (void)state;
    http_close(server_under_test);
    return 0;
}

/* ---- a client -------------------------------------------------------------------------------------------- */

static int open_socket(void)
{
    uint16_t port = 0;
    char host[64];
    assert_true(http_address_parse(http_url(server_under_test) + strlen("http://"), host, &port));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_head(int fd, const char *line, const char *fields, const char *body)
{
    char text[4096];
    const int n =
        snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                 line, fields, strlen(body), body);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

static const char *read_all(int fd)
{
    static char reply[65536];
    size_t n = 0;
    for (ssize_t got; n < sizeof reply - 1 && (got = recv(fd, reply + n, sizeof reply - 1 - n, 0)) > 0;)
        n += (size_t)got;
    reply[n] = '\0';
    close(fd);
    return reply;
}

static const char *ask(const char *line, const char *fields, const char *body)
{
    const int fd = open_socket();
    send_head(fd, line, fields, body);
    return read_all(fd);
}

static void expect(const char *reply, const char *part)
{
    if (strstr(reply, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, reply);
}

/* ---- tests ----------------------------------------------------------------------------------------------- */

static void names_in_paths_are_decoded(void **state)
{
    (void)state;
    expect(ask("GET /api/v1/things/a%2Fb%20c?q=1", "", ""), "\"name\": \"a/b c\"");
    expect(ask("GET /old/x?any=thing", "", ""), "\"name\": \"x\"");
    expect(ask("GET /api/v1/things/%zz", "", ""), "HTTP/1.1 400 ");
    expect(ask("GET /old/%zz", "", ""), "HTTP/1.1 404 ");
}

static void one_place_decides_who_may(void **state)
{
    (void)state;
    expect(ask("GET /api/v1/things/x", "", ""), "\"key\": \"reader\"");
    const char *const reply = ask("POST /api/v1/things/x", "", "{}");
    expect(reply, "HTTP/1.1 403 ");
    expect(reply, "/docs/problems/forbidden");
    assert_ptr_equal(last_outcome.route, &rows[1]);
    assert_int_equal(last_outcome.status, 403);
}

static void what_a_row_does_not_allow_is_refused(void **state)
{
    (void)state;
    expect(ask("GET /api/v1/things/x?y=1", "", ""), "/docs/problems/unknown-parameter");
    expect(ask("GET /api/v1/things/x?name=1", "", ""), "/docs/problems/unknown-parameter");
    expect(ask("GET /api/v1/things/x?q=1&q=2", "", ""), "given twice");
    expect(ask("GET /api/v1/things/x?q=1234", "", ""), "too long");
    expect(ask("GET /api/v1/needed", "", ""), "/docs/problems/missing-parameter");
    expect(ask("GET /api/v1/things/x", "Accept: text/csv\r\n", ""), "HTTP/1.1 406 ");
    expect(ask("PATCH /api/v1/things/x", "", ""), "Allow: GET, HEAD, POST, OPTIONS");
    expect(ask("TRACE /api/v1/things/x", "", ""), "HTTP/1.1 405 ");
    expect(ask("GET /api/v1/none", "", ""), "/docs/problems/not-found");
    expect(ask("GET /none", "", ""), "{\"detail\": \"Not Found\"}");
    expect(ask("OPTIONS /api/v1/things/x", "", ""), "HTTP/1.1 204 ");
}

static void tags_spare_a_reply_and_guard_a_write(void **state)
{
    (void)state;
    expect(ask("GET /api/v1/tagged", "", ""), "ETag: W/\"v7\"");
    expect(ask("GET /api/v1/tagged", "If-None-Match: \"x\", W/\"v7\"\r\n", ""), "HTTP/1.1 304 ");
    expect(ask("GET /api/v1/tagged", "If-None-Match: \"v71\"\r\n", ""), "HTTP/1.1 200 ");
    expect(ask("PUT /api/v1/tagged", "", ""), "HTTP/1.1 428 ");
    expect(ask("PUT /api/v1/tagged", "If-Match: \"v6\"\r\n", ""), "HTTP/1.1 412 ");
    expect(ask("PUT /api/v1/tagged", "If-Match: W/\"v7\"\r\n", ""), "HTTP/1.1 200 ");
    expect(ask("PUT /api/v1/tagged", "If-Match: *\r\n", ""), "HTTP/1.1 200 ");
}

static void pages_of_named_origins_may_read(void **state)
{
    (void)state;
    expect(ask("GET /api/v1/tagged", "Origin: https://a.example\r\n", ""),
           "Access-Control-Allow-Origin: https://a.example");
    assert_null(strstr(ask("GET /api/v1/tagged", "Origin: https://b.example\r\n", ""), "Access-Control-Allow"));
    const char *const reply =
        ask("OPTIONS /api/v1/things/x", "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n", "");
    expect(reply, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS");
    expect(reply, "Access-Control-Allow-Headers: Authorization");
}

static void a_defect_has_a_number(void **state)
{
    (void)state;
    const char *const reply = ask("GET /api/v1/broken", "", "");
    expect(reply, "HTTP/1.1 500 ");
    expect(reply, "\"incident_id\": \"i-");
}

static void a_stream_sleeps_until_it_is_woken(void **state)
{
    (void)state;
    pieces_left = 2;
    const int fd = open_socket();
    send_head(fd, "GET /api/v1/stream", "", "");
    char first[512];
    size_t n = 0;
    while (n < sizeof first - 1) {
        const ssize_t got = recv(fd, first + n, sizeof first - 1 - n, 0);
        assert_true(got > 0);
        n += (size_t)got;
        first[n] = '\0';
        const char *const piece = strstr(first, "piece");
        if (piece != NULL && strstr(piece + 1, "piece") != NULL)
            break;
    }
    usleep(20000); // it has found nothing by now, and sleeps
    pieces_left = 1;
    http_wake_streams(server_under_test);
    usleep(20000);
    pieces_left = -1;
    http_wake_streams(server_under_test);
    expect(read_all(fd), "5\r\npiece\r\n0\r\n");
    for (int i = 0; i < 200 && streams_freed == 0; i++)
        usleep(5000);
    assert_int_equal(streams_freed, 1);
}

static void closing_ends_streams(void **state)
{
    (void)state;
    pieces_left = 0;
    const int fd = open_socket();
    send_head(fd, "GET /api/v1/stream", "", "");
    usleep(50000);
    assert_int_equal(http_drain(server_under_test, 3000), 0);
    expect(read_all(fd), "0\r\n\r\n");
}

static void knock_and_wait(int expected)
{
    http_probe(server_under_test);
    for (int i = 0; i < 400 && knocks_heard < expected; i++)
        usleep(5000);
}

/* Whoever hears the knock is a thread that answers requests: while it is stuck nobody does. */
static void a_knock_is_heard_by_those_who_answer(void **state)
{
    (void)state;
    knocks_heard = 0;
    knock_and_wait(1);
    assert_int_equal(knocks_heard, 1);
    is_stuck = true;
    const int fd = open_socket();
    send_head(fd, "GET /stuck", "", "");
    usleep(100000);
    http_probe(server_under_test);
    usleep(200000);
    assert_int_equal(knocks_heard, 1);
    is_stuck = false;
    expect(read_all(fd), "200 OK");
    knock_and_wait(2);
    assert_true(knocks_heard >= 2);
}

static void a_full_house_still_hears_the_knock(void **state)
{
    (void)state;
    int held[16];
    knocks_heard = 0;
    for (size_t i = 0; i < 16; i++)
        held[i] = open_socket();
    usleep(100000);
    knock_and_wait(1);
    assert_int_equal(knocks_heard, 1);
    for (size_t i = 0; i < 16; i++)
        close(held[i]);
}

/* A client whose port happens to be that of a knock is served; so is whoever has the port after it. */
static void a_knock_comes_from_here_and_is_heard_once(void **state)
{
    (void)state;
    struct sockaddr_storage door = {0}, here = {0}, elsewhere = {0};
    *(struct sockaddr_in *)(void *)&door = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(8000)};
    inet_pton(AF_INET, "127.0.0.1", &((struct sockaddr_in *)(void *)&door)->sin_addr);
    elsewhere = here = door;
    ((struct sockaddr_in *)(void *)&here)->sin_port = htons(40000);
    ((struct sockaddr_in *)(void *)&elsewhere)->sin_port = htons(40000);
    inet_pton(AF_INET, "192.0.2.7", &((struct sockaddr_in *)(void *)&elsewhere)->sin_addr);
    _Atomic uint32_t knocker = 40000;
    assert_false(http_is_knock((const struct sockaddr *)&elsewhere, &door, &knocker));
    assert_true(http_is_knock((const struct sockaddr *)&here, &door, &knocker));
    assert_false(http_is_knock((const struct sockaddr *)&here, &door, &knocker));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_in_paths_are_decoded),
        TEST(one_place_decides_who_may),
        TEST(what_a_row_does_not_allow_is_refused),
        TEST(tags_spare_a_reply_and_guard_a_write),
        TEST(pages_of_named_origins_may_read),
        TEST(a_defect_has_a_number),
        TEST(a_stream_sleeps_until_it_is_woken),
        TEST(closing_ends_streams),
        TEST(a_knock_is_heard_by_those_who_answer),
        TEST(a_full_house_still_hears_the_knock),
        TEST(a_knock_comes_from_here_and_is_heard_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
