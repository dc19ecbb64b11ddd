// The page.
const ENTITIES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'};
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => ENTITIES[c]);

/** A template whose values are escaped, but for lists, which are HTML already. */
const html = (parts, ...values) => String.raw({raw: parts}, ...values.map((value) => Array.isArray(value) ? value.join('') : escape(value)));

const day = new Intl.DateTimeFormat('en-GB', {dateStyle: 'long', timeZone: 'UTC'});

const STYLE = ':root{color-scheme:light dark;--ink:light-dark(#222,#ddd);--soft:light-dark(#667,#99a);--line:light-dark(#dde,#334)}body{max-width:36rem;margin:3rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif;color:var(--ink)}form{display:flex;gap:.5rem;margin:1rem 0}input{flex:1;min-width:0}input,button{font:inherit;padding:.4rem .8rem;border:1px solid var(--line);border-radius:.4rem}ol{list-style:none;padding:0}li{padding:.8rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}p{margin:0}small{color:var(--soft)}';

export const page = (title, name, notes) => html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${[STYLE]}</style>
<h1>${title}</h1>
<form method="post" action="/name">
  <input name="name" value="${name}" maxlength="80" placeholder="Your name" aria-label="Your name" required>
  <button>${name ? 'Change' : 'Remember'}</button>
</form>
<form method="post" action="/notes">
  <input name="text" maxlength="1000" placeholder="Write it down" aria-label="Note" required>
  <button>Keep</button>
</form>
<ol>
${notes.map((note) => html`  <li><p>${note.text}</p><small>${note.author}, ${day.format(note.written)}</small></li>\n`)}</ol>
${notes.length ? [] : ['<p><small>Nothing is written down yet.</small></p>\n']}</html>
`;
