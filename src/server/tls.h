/* tls.h - the daemon's certificate, and whom it lets in by theirs; tls.c is the only file that knows GnuTLS.
 *
 * libmicrohttpd does TLS through GnuTLS and asks, in each handshake, which certificate to show. The answer is what was
 * read last, so a certificate is replaced while connections stay open: tls_reload() reads the files again, on SIGHUP and
 * when one of them has changed. Files that are bad or don't belong together change nothing.
 *
 * With a client CA a client must show a certificate that one of its authorities signed, for clients (extended key usage),
 * and valid today; the handshake fails otherwise (RFC 8446 §4.4.2.4), before a byte of HTTP is read. Sessions are not resumed, so
 * nobody comes in by an older handshake.
 *
 * GnuTLS hands the asked function no context, and so the set of certificates in use is one per process.
 *
 * Memory:  a few KiB a set. One that was replaced is kept for as long as a handshake could still use it.
 * Threads: tls_reload() and tls_changed() any; open and close belong to one.
 */
#ifndef TFTD_SERVER_TLS_H
#define TFTD_SERVER_TLS_H

#include <stdbool.h>

#include "tft/error.h"

typedef struct tls tls;

typedef struct tls_options {
    const char *cert, *key; // PEM; the chain begins with the server's own
    const char *client_ca;  // PEM; NULL or "" = clients show none
    bool only_13;           // tls.min_version: "1.3"
} tls_options;

/* The options' texts are copied. TFT_ERR_FORMAT: a file is unreadable or not what it should be; TFT_ERR_LIMIT: a path is longer than
 * PATH_MAX. TFT_ERR_STATE: this process has one open already. */
tft_status tls_open(const tls_options *options, tls **out, tft_error *err);
/* Other files and another oldest version, from the next tls_reload() on. TFT_ERR_LIMIT as above; nothing is changed then. */
tft_status tls_point_at(tls *t, const tls_options *options, tft_error *err);
void tls_close(tls *t); // accepts NULL; after the last connection has gone
/* Reads the files again. `cert` [PATH_MAX] is told which one that was; may be NULL. */
tft_status tls_reload(tls *t, char *cert, tft_error *err);
/* Whether a file has changed since it was read: to be asked once a second or so, then reloaded. True once per change. */
bool tls_changed(tls *t);

/* For libmicrohttpd: MHD_OPTION_HTTPS_CERT_CALLBACK and MHD_OPTION_HTTPS_PRIORITIES. */
void *tls_certificate_callback(void);
const char *tls_priorities(
    void); // what may be spoken at all; the oldest version is checked in each handshake, as a reload may move it

#endif
