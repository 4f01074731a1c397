/* tls.c - see tls.h. GnuTLS manual: "Certificate credentials", gnutls_certificate_set_retrieve_function2(3). */
#include "server/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"

#define MAX_PEM_BYTES ((size_t)1 << 20)
#define MAX_CHAIN 16
#define HANDSHAKE_S 3700.0 // no handshake lasts longer: http.idle_timeout is at most an hour

typedef struct credentials {
    gnutls_pcert_st chain[MAX_CHAIN];
    unsigned n_chain;
    gnutls_privkey_t key;
    gnutls_x509_trust_list_t clients; // NULL = clients show nothing
    double replaced_s;
    struct credentials *older;
} credentials;

/* tls_options with texts of its own. */
typedef struct tls_files {
    char cert[PATH_MAX], key[PATH_MAX], client_ca[PATH_MAX];
    bool only_13;
} tls_files;

struct tls {
    pthread_mutex_t lock; // guards the fields below; never held while a file is read
    tls_files files;      // as the settings say
    bool only_13;         // of the credentials in use
    credentials *current; // the newest first
    uint64_t stamp;       // of the files when they were last looked at
};

/* The one that handshakes ask: GnuTLS gives their function no context (tls.h). Set before the listeners start. */
static _Atomic(tls *) in_use;

/* ---- reading ------------------------------------------------------------------------------------------- */

static void free_credentials(credentials *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < c->n_chain; i++)
        gnutls_pcert_deinit(&c->chain[i]);
    if (c->key != NULL)
        gnutls_privkey_deinit(c->key);
    if (c->clients != NULL)
        gnutls_x509_trust_list_deinit(c->clients, 1);
    free(c);
}

/* key.pem: <why>, for a code of GnuTLS. */
static tft_status refuse(const char *path, const char *what, int code, tft_error *err)
{
    return tft_fail(err, TFT_ERR_FORMAT, "%s: %s: %s", path, what, gnutls_strerror(code));
}

static tft_status read_pem(const char *path, char **bytes, gnutls_datum_t *pem, tft_error *err)
{
    size_t n = 0;
    if (tft_file_read(path, MAX_PEM_BYTES, bytes, &n, err) != TFT_OK)
        return TFT_ERR_FORMAT;
    *pem = (gnutls_datum_t){(unsigned char *)*bytes, (unsigned)n};
    return TFT_OK;
}

static tft_status read_chain(credentials *c, const char *path, tft_error *err)
{
    char *bytes = NULL;
    gnutls_datum_t pem;
    tft_status status = read_pem(path, &bytes, &pem, err);
    unsigned n = MAX_CHAIN;
    const int code =
        status == TFT_OK ? gnutls_pcert_list_import_x509_raw(c->chain, &n, &pem, GNUTLS_X509_FMT_PEM, 0) : 0;
    if (status == TFT_OK && code < 0)
        status = refuse(path, "no certificate", code, err);
    else if (status == TFT_OK)
        c->n_chain = n;
    free(bytes);
    return status;
}

static tft_status read_key(credentials *c, const char *path, tft_error *err)
{
    char *bytes = NULL;
    gnutls_datum_t pem;
    tft_status status = read_pem(path, &bytes, &pem, err);
    if (status != TFT_OK)
        return status;
    int code = gnutls_privkey_init(&c->key);
    if (code == 0)
        code = gnutls_privkey_import_x509_raw(c->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(bytes, 0, pem.size);
    free(bytes);
    return code == 0 ? TFT_OK : refuse(path, "no private key", code, err);
}

static tft_status read_clients(credentials *c, const char *path, tft_error *err)
{
    char *bytes = NULL;
    gnutls_datum_t pem;
    tft_status status = read_pem(path, &bytes, &pem, err);
    if (status != TFT_OK)
        return status;
    int code = gnutls_x509_trust_list_init(&c->clients, 0);
    if (code == 0)
        code = gnutls_x509_trust_list_add_trust_mem(c->clients, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    free(bytes);
    if (code < 1)
        return refuse(path, "no certificate of an authority", code < 0 ? code : GNUTLS_E_NO_CERTIFICATE_FOUND, err);
    return TFT_OK;
}

/* A key of another certificate would make every handshake fail: found out by comparing public keys. */
static tft_status check_pair(const credentials *c, const tls_files *o, tft_error *err)
{
    gnutls_pubkey_t of_key = NULL;
    unsigned char ours[64], theirs[64];
    size_t n_ours = sizeof ours, n_theirs = sizeof theirs;
    int code = gnutls_pubkey_init(&of_key);
    if (code == 0)
        code = gnutls_pubkey_import_privkey(of_key, c->key, 0, 0);
    if (code == 0)
        code = gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, ours, &n_ours);
    if (code == 0)
        code = gnutls_pubkey_get_key_id(c->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, theirs, &n_theirs);
    if (of_key != NULL)
        gnutls_pubkey_deinit(of_key);
    if (code != 0)
        return refuse(o->key, "unusable", code, err);
    if (n_ours != n_theirs || memcmp(ours, theirs, n_ours) != 0)
        return tft_fail(err, TFT_ERR_FORMAT, "%s is not the key of the certificate %s", o->key, o->cert);
    return TFT_OK;
}

static tft_status read_credentials(const tls_files *o, credentials **out, tft_error *err)
{
    credentials *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a certificate");
    tft_status status = read_chain(c, o->cert, err);
    if (status == TFT_OK)
        status = read_key(c, o->key, err);
    if (status == TFT_OK)
        status = check_pair(c, o, err);
    if (status == TFT_OK && o->client_ca[0] != '\0')
        status = read_clients(c, o->client_ca, err);
    if (status != TFT_OK) {
        free_credentials(c);
        return status;
    }
    *out = c;
    return TFT_OK;
}

/* A number that changes when one of the files does. */
static uint64_t stamp_files(const tls_files *o)
{
    const char *const paths[] = {o->cert, o->key, o->client_ca};
    uint64_t stamp = 0;
    for (size_t i = 0; i < 3; i++) {
        struct stat there;
        if (paths[i][0] == '\0' || stat(paths[i], &there) != 0)
            continue;
        const uint64_t facts[] = {(uint64_t)there.st_ino, (uint64_t)there.st_size, (uint64_t)there.st_mtim.tv_sec,
                                  (uint64_t)there.st_mtim.tv_nsec};
        for (size_t f = 0; f < 4; f++)
            stamp = (stamp ^ facts[f]) * 1099511628211u; // FNV-1a's prime
    }
    return stamp;
}

/* ---- handshakes ---------------------------------------------------------------------------------------- */

/* Called once the client has shown its certificate, or none. 0 = let it in. */
static int verify_client(gnutls_session_t session)
{
    tls *const t = atomic_load(&in_use);
    unsigned n = 0, faults = ~0u;
    const gnutls_datum_t *const shown = gnutls_certificate_get_peers(session, &n);
    if (t == NULL || shown == NULL || n == 0 || n > MAX_CHAIN)
        return GNUTLS_E_CERTIFICATE_ERROR;
    gnutls_x509_crt_t chain[MAX_CHAIN] = {NULL};
    int code = 0;
    for (unsigned i = 0; i < n && code == 0; i++) {
        code = gnutls_x509_crt_init(&chain[i]);
        if (code == 0)
            code = gnutls_x509_crt_import(chain[i], &shown[i], GNUTLS_X509_FMT_DER);
    }
    char for_clients[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)for_clients, 0};
    pthread_mutex_lock(&t->lock);
    if (code == 0 && t->current->clients != NULL)
        code = gnutls_x509_trust_list_verify_crt2(t->current->clients, chain, n, &purpose, 1, 0, &faults, NULL);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < n; i++) {
        if (chain[i] != NULL)
            gnutls_x509_crt_deinit(chain[i]);
    }
    return code == 0 && faults == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* gnutls_certificate_retrieve_function2: which certificate to show. What it returns stays ours. */
static int choose_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                              const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
                              unsigned *n_chain, gnutls_privkey_t *key)
{
    (void)authorities, (void)n_authorities, (void)algorithms, (void)n_algorithms;
    tls *const t = atomic_load(&in_use);
    if (t == NULL)
        return -1;
    pthread_mutex_lock(&t->lock);
    credentials *const c = t->current;
    const bool only_13 = t->only_13;
    pthread_mutex_unlock(&t->lock);
    if (only_13 && gnutls_protocol_get_version(session) != GNUTLS_TLS1_3)
        return -1; // the version is agreed on before a certificate is asked for
    if (c->clients != NULL) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_function(session, verify_client);
    }
    *chain = c->chain;
    *n_chain = c->n_chain;
    *key = c->key;
    return 0;
}

void *tls_certificate_callback(void)
{
    void *pointer;
    gnutls_certificate_retrieve_function2 *const function = choose_certificate;
    memcpy(&pointer, &function, sizeof pointer); // ISO C has no cast from a function to an object
    return pointer;
}

const char *tls_priorities(void)
{
    return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static tft_status copy_files(const tls_options *from, tls_files *to, tft_error *err)
{
    const char *const texts[] = {from->cert, from->key, from->client_ca};
    char *const copies[] = {to->cert, to->key, to->client_ca};
    for (size_t i = 0; i < 3; i++) {
        const char *const text = texts[i] != NULL ? texts[i] : "";
        if (snprintf(copies[i], PATH_MAX, "%s", text) >= PATH_MAX)
            return tft_fail(err, TFT_ERR_LIMIT, "%.60s…: path too long", text);
    }
    to->only_13 = from->only_13;
    return TFT_OK;
}

static tls_files files_of(tls *t)
{
    pthread_mutex_lock(&t->lock);
    const tls_files files = t->files;
    pthread_mutex_unlock(&t->lock);
    return files;
}

tft_status tls_point_at(tls *t, const tls_options *options, tft_error *err)
{
    tls_files files;
    const tft_status status = copy_files(options, &files, err);
    if (status != TFT_OK)
        return status;
    pthread_mutex_lock(&t->lock);
    t->files = files;
    pthread_mutex_unlock(&t->lock);
    return TFT_OK;
}

tft_status tls_open(const tls_options *options, tls **out, tft_error *err)
{
    *out = NULL;
    tls *const t = calloc(1, sizeof *t);
    if (t == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for TLS");
    pthread_mutex_init(&t->lock, NULL);
    tft_status status = copy_files(options, &t->files, err);
    if (status == TFT_OK) {
        t->only_13 = t->files.only_13;
        t->stamp = stamp_files(&t->files);
        status = read_credentials(&t->files, &t->current, err);
    }
    tls *nobody = NULL;
    if (status == TFT_OK && !atomic_compare_exchange_strong(&in_use, &nobody, t))
        status = tft_fail(err, TFT_ERR_STATE, "TLS is open in this process already");
    if (status != TFT_OK) {
        free_credentials(t->current);
        pthread_mutex_destroy(&t->lock);
        free(t);
        return status;
    }
    *out = t;
    return TFT_OK;
}

void tls_close(tls *t)
{
    if (t == NULL)
        return;
    atomic_store(&in_use, NULL);
    while (t->current != NULL) {
        credentials *const older = t->current->older;
        free_credentials(t->current);
        t->current = older;
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool tls_changed(tls *t)
{
    const tls_files files = files_of(t);
    const uint64_t stamp = stamp_files(&files);
    pthread_mutex_lock(&t->lock);
    const bool changed = stamp != t->stamp;
    t->stamp = stamp;
    pthread_mutex_unlock(&t->lock);
    return changed;
}

tft_status tls_reload(tls *t, char *cert, tft_error *err)
{
    credentials *fresh = NULL;
    const tls_files files = files_of(t);
    const tft_status status = read_credentials(&files, &fresh, err);
    if (cert != NULL)
        memcpy(cert, files.cert, sizeof files.cert);
    if (status != TFT_OK)
        return status;
    const double now = tft_monotonic_s();
    credentials *done = NULL; // replaced so long ago that no handshake holds them
    pthread_mutex_lock(&t->lock);
    t->only_13 = files.only_13;
    t->current->replaced_s = now;
    fresh->older = t->current;
    t->current = fresh;
    for (credentials *c = fresh; c->older != NULL; c = c->older) {
        if (now - c->older->replaced_s > HANDSHAKE_S) {
            done = c->older;
            c->older = NULL;
            break;
        }
    }
    pthread_mutex_unlock(&t->lock);
    while (done != NULL) {
        credentials *const older = done->older;
        free_credentials(done);
        done = older;
    }
    return TFT_OK;
}
