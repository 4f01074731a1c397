// guides.mjs - a guide in Markdown → a tree that the page turns into elements, without any markup in between.
//
//     {title, blocks: [["h2", "id", spans] | ["p", spans] | ["pre", text] | ["ul"|"ol", [spans…]] | ["table", head, rows]]}
//     spans: a text, or ["code", text], ["b", spans], ["i", spans], ["a", href, spans], in a list
//
// It knows the Markdown that docs/ uses, not more. Links to other guides become links inside the page; links to other
// files of the repository become plain text, since the page may not lead out of its origin.

const GUIDE = /^(?:docs\/)?([A-Z]+)\.md(#.*)?$/;

function link(href, text) {
  const guide = GUIDE.exec(href);
  if (guide) return ['a', `#/docs/${guide[1].toLowerCase()}`, spans(text)];
  if (href.startsWith('#')) return ['b', spans(text)];
  if (href.startsWith('/')) return ['a', href, spans(text)];
  return ['i', spans(text)];
}

const INLINE = /`([^`]+)`|!\[([^\]]*)\]\([^)]*\)|\[([^\]]+)\]\(([^)]+)\)|\*\*([^*]+)\*\*|(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])/g;

export function spans(text) {
  const out = [];
  let at = 0;
  for (const m of text.matchAll(INLINE)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    if (m[1] !== undefined) out.push(['code', m[1]]);
    else if (m[2] !== undefined) out.push(['i', [m[2]]]);
    else if (m[3] !== undefined) out.push(link(m[4], m[3]));
    else if (m[5] !== undefined) out.push(['b', spans(m[5])]);
    else out.push(['i', spans(m[6])]);
    at = m.index + m[0].length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

/* Cells of a table's row; "\|" is a bar inside a cell. */
function cells(line) {
  return line.trim().replace(/^\|/, '').replace(/(?<!\\)\|$/, '').split(/(?<!\\)\|/).map((c) => spans(c.trim().replaceAll('\\|', '|')));
}

export function readGuide(source) {
  const lines = source.split('\n');
  const blocks = [];
  let title = '';
  let i = 0;
  const item = /^\s*(?:[-*]|\d+\.)\s+/;
  while (i < lines.length) {
    const line = lines[i];
    if (line.trim() === '') i++;
    else if (line.startsWith('# ') && title === '') title = lines[i++].slice(2).trim();
    else if (/^#{2,4} /.test(line)) {
      const level = line.indexOf(' ');
      const text = line.slice(level + 1).trim();
      blocks.push(['h' + level, slug(text), spans(text)]);
      i++;
    } else if (line.startsWith('```')) {
      const text = [];
      for (i++; i < lines.length && !lines[i].startsWith('```'); i++) text.push(lines[i]);
      i++;
      blocks.push(['pre', text.join('\n')]);
    } else if (/^ {4}\S/.test(line)) {
      const text = [];
      for (; i < lines.length && (/^ {4}/.test(lines[i]) || lines[i].trim() === ''); i++) text.push(lines[i].slice(4));
      blocks.push(['pre', text.join('\n').trimEnd()]);
    } else if (line.startsWith('|')) {
      const rows = [];
      for (; i < lines.length && lines[i].startsWith('|'); i++) rows.push(lines[i]);
      blocks.push(['table', cells(rows[0]), rows.slice(2).map(cells)]);
    } else if (item.test(line)) {
      const kind = /^\s*\d/.test(line) ? 'ol' : 'ul';
      const items = [];
      for (; i < lines.length && lines[i].trim() !== '' && (item.test(lines[i]) || /^\s{2,}/.test(lines[i])); i++) {
        if (item.test(lines[i])) items.push(lines[i].replace(item, ''));
        else items[items.length - 1] += ' ' + lines[i].trim();
      }
      blocks.push([kind, items.map(spans)]);
    } else {
      const text = [];
      for (; i < lines.length && lines[i].trim() !== '' && !/^(#{2,4} |```|\||\s*[-*] )/.test(lines[i]); i++) text.push(lines[i].trim());
      if (text.length === 0) i++;
      else blocks.push(['p', spans(text.join(' '))]);
    }
  }
  return { title, blocks };
}
