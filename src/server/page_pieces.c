/* page_pieces.c - see page_pieces.h. */
#include "server/page_pieces.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/render.h"

#define MAX_PIECE ((size_t)64 << 20) // the end holds all alerts
#define TAIL_BYTES 64

typedef struct page_piece {
    _Atomic uint32_t holders; // pages
    gzip_head facts;          // of the text
    uint64_t revision;        // of the server
    size_t n;
    char bytes[]; // [n] packed
} page_piece;

struct page_pieces {
    page_piece *head, *end;
    size_t n_servers, made;
    gzip_head facts;     // of all the text
    size_t plain, bytes; // of the text; of the pieces
    page_piece *of[];    // [n_servers] by id; NULL: forgotten
};

/* ", " as a stored block (RFC 1951 §3.2.4): what stands between two servers, whichever they are. */
static const char separator[7] = {0, 2, 0, '\xfd', '\xff', ',', ' '};
static const char separator_text[2] = {',', ' '};

static void leave(page_piece *piece)
{
    if (piece != NULL && atomic_fetch_sub(&piece->holders, 1) == 1)
        free(piece);
}

void page_pieces_free(page_pieces *pieces)
{
    if (pieces == NULL)
        return;
    leave(pieces->head);
    leave(pieces->end);
    for (size_t i = 0; i < pieces->n_servers; i++)
        leave(pieces->of[i]);
    free(pieces);
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

typedef struct maker {
    const forecast_snapshot *s;
    render_room room;
    gzip_packer *packer;
    tft_text text, packed; // of one piece, used again for the next
} maker;

static bool open_maker(maker *m, const forecast_snapshot *s)
{
    *m = (maker){.s = s, .text = tft_text_new(MAX_PIECE), .packed = tft_text_new(MAX_PIECE)};
    m->packer = gzip_packer_open();
    return render_room_open(s, &m->room) && m->packer != NULL;
}

static void close_maker(maker *m)
{
    render_room_close(&m->room);
    gzip_packer_close(m->packer);
    tft_text_free(&m->text);
    tft_text_free(&m->packed);
}

/* What m->text says, as a piece. NULL without memory. */
static page_piece *make_piece(maker *m, uint64_t revision)
{
    gzip_head facts;
    tft_text_clear(&m->packed);
    if (m->text.failed || !gzip_pack_piece(m->packer, m->text.bytes, m->text.n, &m->packed, &facts))
        return NULL;
    page_piece *const piece = malloc(sizeof *piece + m->packed.n);
    if (piece == NULL)
        return NULL;
    atomic_init(&piece->holders, 1);
    piece->facts = facts;
    piece->revision = revision;
    piece->n = m->packed.n;
    memcpy(piece->bytes, m->packed.bytes, m->packed.n);
    return piece;
}

static page_piece *make_server(maker *m, size_t id)
{
    tft_text_clear(&m->text);
    render_server(m->s, &m->room, id, &m->text);
    return make_piece(m, m->s->servers[id].revision);
}

static void add_up(page_pieces *pieces, const page_piece *piece)
{
    gzip_join(&pieces->facts, &piece->facts);
    pieces->plain += piece->facts.length;
    pieces->bytes += piece->n;
}

static void add_separator(page_pieces *pieces, const gzip_head *facts)
{
    gzip_join(&pieces->facts, facts);
    pieces->plain += sizeof separator_text;
    pieces->bytes += sizeof separator;
}

/* The pieces of all servers; those of `before` where they say the same. */
static bool gather(page_pieces *pieces, maker *m, const page_pieces *before)
{
    const gzip_head between = gzip_facts(separator_text, sizeof separator_text);
    bool first = true;
    for (size_t id = 0; id < pieces->n_servers; id++) {
        const snapshot_server *const server = &m->s->servers[id];
        if (server->forgotten)
            continue;
        page_piece *piece = before != NULL && id < before->n_servers ? before->of[id] : NULL;
        if (piece != NULL && piece->revision == server->revision) {
            atomic_fetch_add(&piece->holders, 1);
        } else {
            piece = make_server(m, id);
            pieces->made++;
        }
        if (piece == NULL)
            return false;
        pieces->of[id] = piece;
        if (!first)
            add_separator(pieces, &between);
        add_up(pieces, piece);
        first = false;
    }
    return true;
}

page_pieces *page_pieces_make(const forecast_snapshot *s, const page_pieces *before)
{
    maker m;
    bool fine = open_maker(&m, s);
    page_pieces *const pieces = calloc(1, sizeof *pieces + s->n_servers * sizeof *pieces->of);
    fine = fine && pieces != NULL;
    if (fine) {
        pieces->n_servers = s->n_servers;
        render_head(&m.text);
        pieces->head = make_piece(&m, 0);
        fine = pieces->head != NULL;
    }
    if (fine) {
        add_up(pieces, pieces->head);
        fine = gather(pieces, &m, before);
    }
    if (fine) {
        tft_text_clear(&m.text);
        render_end(s, &m.text);
        pieces->end = make_piece(&m, 0);
        fine = pieces->end != NULL;
    }
    if (fine)
        add_up(pieces, pieces->end);
    close_maker(&m);
    if (fine)
        return pieces;
    page_pieces_free(pieces);
    return NULL;
}

size_t page_pieces_made(const page_pieces *pieces)
{
    return pieces->made;
}

size_t page_pieces_bytes(const page_pieces *pieces)
{
    return pieces->bytes;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

struct page_reader {
    const page_pieces *from;
    gzip_unpacker *unpacker; // NULL: the pieces go out as they are
    tft_text tail;           // what follows the pieces
    enum { AT_START, AT_HEAD, AT_SERVERS, AT_END, AT_TAIL, AT_NOTHING } next;
    size_t server; // next one
    bool first, separated;
    const char *at; // [left] what is being read
    size_t left;
    bool plain; // … as it is, not to be unpacked
};

page_reader *page_reader_open(const page_pieces *pieces, bool packed, double age_s)
{
    page_reader *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (page_reader){.from = pieces, .tail = tft_text_new(256), .first = true, .separated = true};
    if (packed) {
        tft_text age = tft_text_new(TAIL_BYTES);
        render_age(age_s, &age);
        r->tail.failed |= age.failed || !gzip_tail(&pieces->facts, age.bytes, age.n, &r->tail);
        tft_text_free(&age);
    } else {
        render_age(age_s, &r->tail);
        r->unpacker = gzip_unpacker_open();
        r->next = AT_HEAD;
    }
    if (!r->tail.failed && (packed || r->unpacker != NULL))
        return r;
    page_reader_close(r);
    return NULL;
}

void page_reader_close(page_reader *r)
{
    if (r == NULL)
        return;
    gzip_unpacker_close(r->unpacker);
    tft_text_free(&r->tail);
    free(r);
}

size_t page_reader_length(const page_reader *r)
{
    return r->tail.n + (r->unpacker != NULL ? r->from->plain : GZIP_HEADER_BYTES + r->from->bytes);
}

static void read_from(page_reader *r, const char *bytes, size_t n, bool plain)
{
    r->at = bytes;
    r->left = n;
    r->plain = plain || r->unpacker == NULL;
}

/* The next server's piece, or what stands before it. False after the last. */
static bool next_server(page_reader *r)
{
    const page_pieces *const from = r->from;
    while (r->server < from->n_servers && from->of[r->server] == NULL)
        r->server++;
    if (r->server == from->n_servers)
        return false;
    if (!r->first && !r->separated) {
        read_from(r, separator, sizeof separator, false);
        r->separated = true;
        return true;
    }
    read_from(r, from->of[r->server]->bytes, from->of[r->server]->n, false);
    r->server++;
    r->first = r->separated = false;
    return true;
}

/* Sets out for what comes next; false at the end. */
static bool go_on(page_reader *r)
{
    switch (r->next) {
    case AT_START:
        read_from(r, gzip_header, sizeof gzip_header, true);
        r->next = AT_HEAD;
        return true;
    case AT_HEAD:
        read_from(r, r->from->head->bytes, r->from->head->n, false);
        r->next = AT_SERVERS;
        return true;
    case AT_SERVERS:
        if (next_server(r))
            return true;
        read_from(r, r->from->end->bytes, r->from->end->n, false);
        r->next = AT_END;
        return true;
    case AT_END:
        read_from(r, r->tail.bytes, r->tail.n, true);
        r->next = AT_TAIL;
        return true;
    case AT_TAIL:
        r->next = AT_NOTHING;
        return false;
    case AT_NOTHING:
        break;
    }
    return false;
}

ptrdiff_t page_reader_read(page_reader *r, char *out, size_t max)
{
    size_t n = 0;
    while (n < max) {
        if (!r->plain && r->at != NULL) { // also where nothing is left: it may hold back what did not fit
            const ptrdiff_t got = gzip_unpack(r->unpacker, &r->at, &r->left, out + n, max - n);
            if (got < 0)
                return -1;
            n += (size_t)got;
            if (got > 0 || r->left > 0)
                continue;
        } else if (r->left > 0) {
            const size_t part = r->left < max - n ? r->left : max - n;
            memcpy(out + n, r->at, part);
            r->at += part;
            r->left -= part;
            n += part;
            continue;
        }
        if (!go_on(r))
            break;
    }
    return (ptrdiff_t)n;
}
