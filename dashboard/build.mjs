// build.mjs - dashboard/src and docs/*.md → one C file with the page in it (see src/server/ui_assets.h).
//
//     node build.mjs --out FILE.c [--version X] [--dist DIR]      DIR: also writes the plain files, to look at
//
// Names carry the content's hash, so that a browser may keep the files for good. What the page needs at first is three
// files (page, script, style sheet); each guide is a file of its own, fetched when somebody opens it.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { readGuide } from './guides.mjs';

const LIMIT = 150 * 1024; // of what one visitor transfers, all guides included
const here = dirname(fileURLToPath(import.meta.url));
const { values: args } = parseArgs({
  options: { out: { type: 'string' }, version: { type: 'string', default: '0' }, dist: { type: 'string' } },
});

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

function asset(name, contentType, content) {
  const plain = Buffer.from(content);
  const tag = hash(plain);
  const path = name.replace('*', tag);
  return { path, contentType, tag, plain, packed: gzipSync(plain, { level: 9 }) };
}

async function bundle(entry, define) {
  const made = await build({
    entryPoints: [join(here, 'src', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    define,
    logLevel: 'warning',
  });
  return made.outputFiles[0].contents;
}

/* The guides that the page offers, in the order in which one reads them. */
const ORDER = ['DASHBOARD', 'API', 'FORECASTS', 'OPERATIONS', 'GENERATOR', 'DATA', 'TRAINING', 'SCORES', 'QUALITY'];

function guides() {
  const docs = join(here, '..', 'docs');
  const names = readdirSync(docs).filter((f) => f.endsWith('.md')).map((f) => f.slice(0, -3));
  return ORDER.filter((name) => names.includes(name)).map((name) => {
    const guide = readGuide(readFileSync(join(docs, name + '.md'), 'utf8'));
    return { name, title: guide.title, file: asset(`guide-${name.toLowerCase()}.*.json`, 'application/json', JSON.stringify(guide)) };
  });
}

function toC(assets) {
  const rows = assets.map((a, i) => `    {"${a.path}", "${a.contentType}", "${a.tag}", bytes_${i}, sizeof bytes_${i}, ${a.plain.length}},\n`);
  const arrays = assets.map((a, i) => {
    const lines = [];
    for (let at = 0; at < a.packed.length; at += 32) lines.push('    ' + [...a.packed.subarray(at, at + 32)].join(',') + ',\n');
    return `static const unsigned char bytes_${i}[] = {\n${lines.join('')}};\n`;
  });
  return `/* Made by dashboard/build.mjs. */\n#include "server/ui_assets.h"\n\n${arrays.join('\n')}\nconst ui_asset ui_assets[] = {\n${rows.join('')}};\nconst size_t ui_n_assets = sizeof ui_assets / sizeof ui_assets[0];\n`;
}

const books = guides();
const index = books.map((g) => ({ name: g.name.toLowerCase(), title: g.title, file: g.file.path }));
const script = asset('app.*.js', 'text/javascript; charset=utf-8', await bundle('main.ts', {
  __VERSION__: JSON.stringify(args.version),
  __GUIDES__: JSON.stringify(index),
}));
const style = asset('app.*.css', 'text/css; charset=utf-8', await bundle('style/app.css', {}));
const icon = asset('icon.*.svg', 'image/svg+xml', readFileSync(join(here, 'src', 'icon.svg')));
const page = asset('', 'text/html; charset=utf-8', readFileSync(join(here, 'src', 'index.html'), 'utf8')
  .replace('app.js', script.path).replace('app.css', style.path).replace('icon.svg', icon.path));
const assets = [page, script, style, icon, ...books.map((g) => g.file)];

const total = assets.reduce((sum, a) => sum + a.packed.length, 0);
console.log(`dashboard: ${assets.length} files, ${(total / 1024).toFixed(1)} KiB packed (script ${(script.packed.length / 1024).toFixed(1)}, style ${(style.packed.length / 1024).toFixed(1)})`);
if (total > LIMIT) throw new Error(`the dashboard is ${total} bytes packed, ${LIMIT} are allowed`);
if (args.out) writeFileSync(args.out, toC(assets));
if (args.dist) {
  mkdirSync(args.dist, { recursive: true });
  for (const a of assets) writeFileSync(join(args.dist, a.path || 'index.html'), a.plain);
}
