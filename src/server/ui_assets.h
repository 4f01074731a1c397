/* ui_assets.h - the files of the dashboard, as the build compiled them into the program.
 *
 * cmake/dashboard.cmake bundles dashboard/ and writes the table (ui_assets.c in the build tree); a build without npm, or
 * with -DTFTD_DASHBOARD=OFF, gets an empty one. The first row is the page itself.
 *
 *     path        below /ui/: "" for the page, "app.3f2a9c01d4.js" for what it loads: a name that changes with its content
 *     bytes       gzip (RFC 1952), packed once at build time; `plain_n` bytes unpacked
 *     tag         first hex digits of the SHA-256 of the plain content: the strong ETag
 */
#ifndef TFTD_SERVER_UI_ASSETS_H
#define TFTD_SERVER_UI_ASSETS_H

#include <stddef.h>

typedef struct ui_asset {
    const char *path, *content_type, *tag;
    const unsigned char *bytes; // [n]
    size_t n, plain_n;
} ui_asset;

extern const ui_asset ui_assets[];
extern const size_t ui_n_assets; // 0: built without the dashboard

#endif
