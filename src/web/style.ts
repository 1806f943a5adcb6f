/**
 * The look of the pages: one small sheet, no asset from elsewhere. Colours are named once for light and once for dark; text
 * keeps a contrast of at least 4.5 to 1 on what it stands on, and colour never says anything alone.
 */
import { createHash } from 'node:crypto';

export const palettes = {
  light: {
    ground: '#f8f4ee',
    surface: '#ffffff',
    raised: '#f3ece2',
    ink: '#231b14',
    muted: '#655a4e',
    line: '#e2d8ca',
    accent: '#a93c0a',
    good: '#1c6638',
    'good-ground': '#e2f2e7',
    info: '#1d5788',
    'info-ground': '#e3eef8',
    warn: '#804500',
    'warn-ground': '#fdeed3',
    bad: '#a01f19',
    'bad-ground': '#fce4e1',
  },
  dark: {
    ground: '#14110e',
    surface: '#1d1915',
    raised: '#27211b',
    ink: '#f0e9df',
    muted: '#b5a999',
    line: '#3a3229',
    accent: '#ff9d57',
    good: '#8cd8a5',
    'good-ground': '#16301f',
    info: '#92c4ef',
    'info-ground': '#152a3c',
    warn: '#f4bf6e',
    'warn-ground': '#38270f',
    bad: '#ffa199',
    'bad-ground': '#3f1b18',
  },
} as const;

function variables(palette: Readonly<Record<string, string>>): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour};`)
    .join('');
}

export const styleSheet = `
:root{color-scheme:light dark;${variables(palettes.light)}}
@media (prefers-color-scheme:dark){:root{${variables(palettes.dark)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
a{color:var(--accent);text-underline-offset:.2em}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,.scroll:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:6px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--surface);padding:.5rem 1rem;z-index:1}
.wrap{max-width:84rem;margin:0 auto;padding:0 1.5rem}
.top{border-bottom:1px solid var(--line);background:var(--surface)}
.top .wrap{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1.5rem;padding-block:.9rem}
.brand{display:flex;align-items:center;gap:.6rem;margin:0;font-size:1.3rem;font-weight:650;letter-spacing:-.01em}
.brand svg{width:1.7rem;height:1.7rem;flex:none}
.brand a{color:inherit;text-decoration:none;display:flex;align-items:center;gap:.6rem}
.where{color:var(--muted)}
.asof{margin:0 0 0 auto;color:var(--muted);font-size:.9rem}
.asof a{white-space:nowrap}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.nav ul{display:flex;flex-wrap:wrap;gap:0 .25rem;list-style:none;margin:0;padding:0}
.nav a{display:flex;gap:.4rem;align-items:center;min-height:2.75rem;padding:0 .7rem;border-radius:8px;color:var(--ink);text-decoration:none}
.nav a:hover{background:var(--raised)}
.nav a[aria-current]{font-weight:650;border-radius:8px 8px 0 0;box-shadow:inset 0 -.15rem 0 var(--accent)}
.lamp{margin:0;font-size:.9rem;overflow-wrap:anywhere}
.lamp .wrap{display:block;padding-block:.35rem}
.lamp.good{color:var(--good);background:var(--good-ground)}.lamp.warn{color:var(--warn);background:var(--warn-ground);font-weight:600}.lamp.bad{color:var(--bad);background:var(--bad-ground);font-weight:600}
.title{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;margin:1.5rem 0 1rem;overflow-wrap:anywhere}
h2{overflow-wrap:anywhere;font-size:1.1rem;margin:2rem 0 .8rem;letter-spacing:-.005em}
.cards{display:grid;gap:1px;grid-template-columns:1.2fr 1fr 1fr 1fr;background:var(--line);border:1px solid var(--line);border-radius:14px;overflow:hidden}
.card{min-width:0;overflow-wrap:anywhere;background:var(--surface);padding:1.1rem 1.25rem 1.25rem}
.card.warn h3,.card.warn .big{color:var(--warn)}.card.bad h3,.card.bad .big{color:var(--bad)}
.card h3{display:flex;gap:.5rem;align-items:center;margin:0 0 .6rem;font-size:.85rem;font-weight:600;color:var(--muted)}
.card h3 span{font-size:.7rem;line-height:1}
.card p{margin:.1rem 0}
.big{font-size:1.7rem;font-weight:650;line-height:1.25;letter-spacing:-.015em}
.small{font-size:.875rem;color:var(--muted)}
.card ul{list-style:none;margin:0;padding:0}
.card li{display:grid;padding:0 0 .55rem}
.card li:last-child{padding:0}
.mark{font-weight:650}
.mark.good{color:var(--good)}.mark.info{color:var(--info)}.mark.warn{color:var(--warn)}.mark.bad{color:var(--bad)}
.states{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;margin:1rem 0 0;padding:0}
.states a{display:flex;gap:.5rem;align-items:baseline;min-height:2.5rem;padding:.45rem .85rem;border:1px solid var(--line);border-radius:999px;background:var(--surface);color:var(--ink);text-decoration:none}
.states a:hover,.states a[aria-current]{border-color:var(--accent);background:var(--raised)}
.states a.none{color:var(--muted)}
.states b{font-weight:650}
.states a.warn:not(.none) b{color:var(--warn)}.states a.bad:not(.none) b{color:var(--bad)}.states a.good:not(.none) b{color:var(--good)}.states a.info:not(.none) b{color:var(--info)}
form{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end;margin:0 0 1rem}
form label:first-child{flex:0 1 22rem}
label{display:grid;gap:.2rem;font-size:.85rem;color:var(--muted)}
input,select,button{font:inherit;color:var(--ink);background:var(--surface);border:1px solid var(--muted);border-radius:8px;padding:.5rem .75rem;min-height:2.75rem;max-width:100%}
button{background:var(--accent);border-color:var(--accent);color:var(--surface);font-weight:600;cursor:pointer}
.clear{padding:.6rem .25rem}
.login{display:grid;max-width:26rem}
.login label{font-size:1rem;color:var(--ink)}
.sorts{display:flex;flex-wrap:wrap;align-items:center;gap:0 .5rem;margin:0 0 .6rem;color:var(--muted);font-size:.9rem}
.sorts ul{display:flex;flex-wrap:wrap;list-style:none;margin:0;padding:0}
.sorts a{display:flex;align-items:center;min-height:2.75rem;padding:0 .6rem}
.sorts a[aria-current]{color:var(--ink);font-weight:650;text-decoration:none}
.stand{background:var(--surface);border:1px solid var(--line);border-inline-start:.3rem solid var(--muted);border-radius:12px;padding:1rem 1.15rem}
.stand.good{border-inline-start-color:var(--good)}.stand.info{border-inline-start-color:var(--info)}.stand.warn{border-inline-start-color:var(--warn)}.stand.bad{border-inline-start-color:var(--bad)}
.stand p{margin:.2rem 0;max-width:48rem}
.calm{background:var(--good-ground);color:var(--good);border-radius:12px;padding:.8rem 1.15rem;margin:0}
.facts{display:grid;gap:1px;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));margin:0;background:var(--surface);border:1px solid var(--line);border-radius:12px;overflow:hidden}
.facts>div{min-width:0;box-shadow:0 0 0 1px var(--line);padding:.8rem 1.15rem}
.facts dt{font-size:.85rem;color:var(--muted)}
.facts dd{margin:.15rem 0 0;overflow-wrap:anywhere}
.facts p{margin:0}
.command{background:var(--raised);border-radius:8px;padding:.7rem 1rem;margin:0;overflow-wrap:anywhere}
code{font:.9em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
td ul{list-style:none;margin:0;padding:0}
.mixed{min-width:13rem}
.mixed ul{margin-top:.35rem}
.told{min-width:10rem}
.states+.scroll{margin-top:1rem}
.mix{display:block;width:100%;max-width:20rem;height:.5rem;margin:.3rem 0;border-radius:3px;background:var(--line)}
.mix .good{fill:var(--good)}.mix .info{fill:var(--info)}.mix .warn{fill:var(--warn)}.mix .bad{fill:var(--bad)}
.scroll{overflow-x:auto;background:var(--surface);border:1px solid var(--line);border-radius:12px}
table{width:100%;border-collapse:collapse}
caption{text-align:left;padding:.9rem 1.15rem;color:var(--muted);font-size:.9rem}
th,td{min-width:7rem;overflow-wrap:anywhere;text-align:left;vertical-align:top;padding:.7rem 1.15rem;border-top:1px solid var(--line)}
thead th{font-size:.8rem;font-weight:600;color:var(--muted);white-space:nowrap;background:var(--raised)}
tbody th{font-weight:600;overflow-wrap:anywhere;min-width:12rem;max-width:24rem}
td p,th p{margin:0}
td .small,th .small{font-weight:400}
.pill{display:inline-block;padding:.1rem .6rem;border-radius:999px;font-size:.85rem;font-weight:600;white-space:nowrap}
.pill.good{color:var(--good);background:var(--good-ground)}.pill.info{color:var(--info);background:var(--info-ground)}.pill.warn{color:var(--warn);background:var(--warn-ground)}.pill.bad{color:var(--bad);background:var(--bad-ground)}
.nowrap{white-space:nowrap}
.reason{min-width:12rem;max-width:27rem}
.reason p{margin-top:.25rem}
.actor{font-weight:600;color:var(--ink)}
.empty{padding:1rem 1.15rem 2rem;margin:0}
.pages{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;align-items:center;margin:1rem 0}
.pages a{padding:.5rem 0}
.notice{background:var(--bad-ground);color:var(--bad);border-radius:12px;padding:1rem 1.15rem;margin:1.5rem 0}
footer.wrap{margin-block:2rem;color:var(--muted);font-size:.875rem}
footer p{margin:0}
.out{margin:1rem 0 0}
.out button{background:none;color:var(--accent)}
@media (max-width:52rem){.out button{width:100%}}
@media (max-width:76rem){.cards{grid-template-columns:1fr 1fr}th,td{padding:.65rem .7rem;min-width:6.3rem}tbody th{min-width:10rem}.small.nowrap,.small .nowrap{white-space:normal}}
@media (max-width:52rem){
.wrap{padding:0 1rem}
.asof{margin-left:0;width:100%}
.cards{grid-template-columns:1fr}
form{display:grid;grid-template-columns:1fr 1fr}
form label:first-child,form button{grid-column:1/-1}
label>*{width:100%}
.scroll{background:none;border:0;border-radius:0;overflow:visible}
table,tbody,tr,td,tbody th{display:block;width:100%;max-width:none;min-width:0}
caption{display:block;padding:.25rem 0 .75rem}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{background:var(--surface);border:1px solid var(--line);border-radius:12px;margin-bottom:.75rem;padding:.4rem 0}
th,td{border:0;padding:.3rem 1rem}
td[data-label]{display:grid;grid-template-columns:6.25rem minmax(0,1fr);gap:.5rem}
td[data-label]::before{content:attr(data-label);color:var(--muted);font-size:.85rem}
.reason,.mixed,.told{min-width:0;max-width:none}
.nav{order:1;width:100%}
.nav ul{gap:0;margin-inline:-.45rem}
.nav a{padding:0 .45rem;font-size:.95rem}
.asof{order:2}
.nowrap,.small.nowrap,.scroll .pill,.facts .pill{white-space:normal}
.title{font-size:1.25rem}
.facts{grid-template-columns:1fr}
.facts>div{padding:.55rem 1rem;display:grid;grid-template-columns:6.25rem minmax(0,1fr);gap:.5rem}
.login{grid-template-columns:1fr}
.login button{width:100%}
}
@media print{.states,form,.pages,.nav,.sorts{display:none}}
`.trim();

/** Changes with the sheet, so that its address may be kept by browsers for long. */
export const styleVersion = createHash('sha256').update(styleSheet).digest('hex').slice(0, 12);

export const flame = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#e2571e" d="M17.4 2.2c.8 4.6-1 7-3.3 9.5C11.3 14.7 8 17.3 8 21.800 8 26.400 11.600 30 16.200 30S24.5 26.4 24.5 21.800c0-3.300-1.500-5.600-2.800-7.400-.3 1.700-1 2.900-2.200 3.800.7-5.800-.3-12.300-2.100-16Z"/><path fill="#ffb347" d="M16.300 16.400c.4 2.200-.5 3.300-1.500 4.500-.9 1.100-1.900 2.200-1.900 4 0 2.200 1.500 3.800 3.400 3.800s3.500-1.600 3.500-3.800c0-2.800-1.800-5.300-3.500-8.500Z"/><path fill="#4aa3ff" d="M16.300 24.300c-.9 1-1.300 1.700-1.300 2.500 0 .9.600 1.500 1.300 1.500s1.400-.6 1.400-1.500c0-.8-.5-1.500-1.400-2.500Z"/></svg>`;
