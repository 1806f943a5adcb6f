/** The look of the customer's pages: the status page's colours, a sheet of their own. For phones first; no asset from elsewhere. */
import { createHash } from 'node:crypto';
import { palettes } from './style.ts';

function variables(palette: Readonly<Record<string, string>>): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour};`)
    .join('');
}

export const reconsentSheet = `
:root{color-scheme:light dark;${variables(palettes.light)}}
@media (prefers-color-scheme:dark){:root{${variables(palettes.dark)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1.0625rem/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,main,footer{max-width:36rem;margin:0 auto;padding:0 1.25rem;overflow-wrap:anywhere}
header{padding-block:1.25rem .25rem}
.brand{display:flex;align-items:center;gap:.6rem;margin:0;font-weight:650}
.brand svg{width:1.6rem;height:1.6rem;flex:none}
main{background:var(--surface);border-block:1px solid var(--line);padding-block:1.5rem}
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .75rem}
h2{font-size:1.0625rem;margin:1.5rem 0 .4rem}
p,ol{margin:.5rem 0}
ol{padding-left:1.4rem}
li{padding:.15rem 0}
dl{display:grid;gap:.1rem;margin:1.25rem 0;padding:.9rem 1rem;background:var(--raised);border-radius:12px}
dt{color:var(--muted);font-size:.9rem}
dd{margin:0 0 .5rem;font-weight:600}
dd:last-child{margin-bottom:0}
button{display:block;width:100%;min-height:3.25rem;margin:1.5rem 0 .75rem;padding:.75rem 1.25rem;font:inherit;font-weight:650;color:var(--surface);background:var(--accent);border:1px solid var(--accent);border-radius:12px;cursor:pointer}
button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
.notice{border-radius:12px;padding:.8rem 1rem}
.good{color:var(--good);background:var(--good-ground)}.info{color:var(--info);background:var(--info-ground)}.warn{color:var(--warn);background:var(--warn-ground)}.bad{color:var(--bad);background:var(--bad-ground)}
blockquote{margin:1rem 0;padding:.1rem 1rem;border-left:4px solid var(--line)}
.small,footer{font-size:.9rem;color:var(--muted)}
footer{padding-block:1rem 2rem}
@media (min-width:40rem){main{border:1px solid var(--line);border-radius:16px;padding:2rem;margin-top:1rem}button{width:auto;min-width:18rem}dl{grid-template-columns:9rem minmax(0,1fr)}dd{margin-bottom:.3rem}}
`.trim();

/** Changes with the sheet, so that its address may be kept by browsers for long. */
export const reconsentSheetVersion = createHash('sha256').update(reconsentSheet).digest('hex').slice(0, 12);
