/* test_routes.c - the table of all routes: what a new row must not forget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "server/server.h"

/* What anybody may see who reaches the port. Everything else needs a key where keys are asked for. */
static const char *const open_to_all[] = {"/health", "/healthz", "/livez", "/readyz", "/-/healthy", "/-/ready",
                                          "/status", "/metrics", "/ui",    "/ui/",    "/ui/{file}", "/docs/style.css"};

static bool is_open(const char *path)
{
    for (size_t i = 0; i < sizeof open_to_all / sizeof open_to_all[0]; i++) {
        if (strcmp(open_to_all[i], path) == 0)
            return true;
    }
    return false;
}

static void only_the_named_paths_are_open(void **state)
{
    (void)state;
    for (size_t f = 0; f < server_n_families; f++) {
        for (const http_route *route = server_families[f]; route->path != NULL; route++) {
            if ((route->role == ROLE_OPEN) != is_open(route->path))
                fail_msg("%s %s has role %d", http_method_names[route->method], route->path, (int)route->role);
        }
    }
}

static void what_changes_something_needs_more_than_reading(void **state)
{
    (void)state;
    for (size_t f = 0; f < server_n_families; f++) {
        for (const http_route *route = server_families[f]; route->path != NULL; route++) {
            if (route->method != HTTP_GET && route->role < ROLE_WRITE)
                fail_msg("%s %s needs role %d only", http_method_names[route->method], route->path, (int)route->role);
        }
    }
}

static void what_is_not_written_down_are_records_alone(void **state)
{
    (void)state;
    for (size_t f = 0; f < server_n_families; f++) {
        for (const http_route *route = server_families[f]; route->path != NULL; route++) {
            const bool records = strcmp(route->path, "/feed/data") == 0 || strcmp(route->path, "/api/v1/records") == 0;
            if (route->carries_records != records)
                fail_msg("%s: carries_records", route->path);
        }
    }
}

static void no_two_rows_are_the_same(void **state)
{
    (void)state;
    for (size_t f = 0; f < server_n_families; f++) {
        for (const http_route *a = server_families[f]; a->path != NULL; a++) {
            for (size_t g = 0; g < server_n_families; g++) {
                for (const http_route *b = server_families[g]; b->path != NULL; b++) {
                    if (a != b && a->method == b->method && strcmp(a->path, b->path) == 0)
                        fail_msg("%s %s is there twice", http_method_names[a->method], a->path);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_named_paths_are_open),
        cmocka_unit_test(what_changes_something_needs_more_than_reading),
        cmocka_unit_test(what_is_not_written_down_are_records_alone),
        cmocka_unit_test(no_two_rows_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
