/* page_pieces.h - the page of a large fleet, in pieces: one a server, packed, and kept from page to page while nothing that is told of
 * the server changes.
 *
 * The page of ten thousand servers is 300 MB of text. Rendered whole it would be in memory several times over: the text, what it is
 * packed to, and both of the page before. In pieces it is what it is packed to, once:
 *
 *     page 7    head | a 5 | b 7 | c 6 | end         the number is the server's revision (forecast/snapshot.h)
 *     page 8    head | a 5 | b 8 | c 6 | end         a and c are the same memory as before; b, head and end were made anew
 *
 * A client that takes gzip is sent the pieces as they are, one behind the other (gzip.h says why that is one stream); for others they are
 * unpacked while they are sent, which takes no longer than writing the numbers would. The age of the forecast follows them.
 *
 * Memory:  a piece is counted by the pages that hold it. A reader is about 50 kB, and holds its page.
 * Threads: pages are made by one thread at a time; a page that was made is read by any number.
 */
#ifndef TFTD_SERVER_PAGE_PIECES_H
#define TFTD_SERVER_PAGE_PIECES_H

#include "forecast/snapshot.h"
#include "server/gzip.h"

typedef struct page_pieces page_pieces;

/* The page of a snapshot; pieces that still hold are shared with `before`, an earlier page of the same engine (or NULL). NULL without
 * memory. */
page_pieces *page_pieces_make(const forecast_snapshot *snapshot, const page_pieces *before);
void page_pieces_free(page_pieces *pieces);          // accepts NULL
size_t page_pieces_made(const page_pieces *pieces);  // how many servers were rendered for it, not shared
size_t page_pieces_bytes(const page_pieces *pieces); // of all its pieces, packed

/* A reader of a page, with the age of its forecast behind it. The page is lent until it is closed. */
typedef struct page_reader page_reader;
page_reader *page_reader_open(const page_pieces *pieces, bool packed, double age_s); // NULL without memory
void page_reader_close(page_reader *reader);                                         // accepts NULL
size_t page_reader_length(const page_reader *reader);                                // bytes it will write in all
/* Writes the next bytes, at most `max`: how many, 0 at the end, −1 where a piece is broken. */
ptrdiff_t page_reader_read(page_reader *reader, char *out, size_t max);

#endif
