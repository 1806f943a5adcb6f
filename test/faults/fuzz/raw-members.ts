/**
 * The members of a JSON object as they are written: a scanner of its own, so that what the editor under test believes of a
 * text is not what it is judged by.
 */

export interface RawMember {
  readonly key: string;
  /** Key and value with everything between them, to the byte. */
  readonly raw: string;
  readonly rawValue: string;
}

/** The members of the object a text holds, in order; undefined where the text is no object. */
export function rawMembers(text: string): readonly RawMember[] | undefined {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  let at = spaceAfter(json, 0);
  if (json[at] !== '{') return undefined;
  const members: RawMember[] = [];
  for (at = spaceAfter(json, at + 1); json[at] === '"'; at = spaceAfter(json, at + 1)) {
    const keyEnd = stringEnd(json, at);
    const from = spaceAfter(json, spaceAfter(json, keyEnd) + 1);
    const end = valueEnd(json, from);
    members.push({
      key: JSON.parse(json.slice(at, keyEnd)) as string,
      raw: json.slice(at, end),
      rawValue: json.slice(from, end),
    });
    at = spaceAfter(json, end);
    if (json[at] !== ',') break;
  }
  return json[at] === '}' ? members : undefined;
}

function spaceAfter(json: string, from: number): number {
  let at = from;
  while (' \t\r\n'.includes(json[at] ?? 'x')) at += 1;
  return at;
}

/** Behind the closing quote. */
function stringEnd(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function valueEnd(json: string, from: number): number {
  if (json[from] === '"') return stringEnd(json, from);
  let depth = 0;
  let at = from;
  for (; at < json.length; at++) {
    const c = json[at] ?? '';
    if (c === '"') at = stringEnd(json, at) - 1;
    else if (c === '{' || c === '[') depth += 1;
    else if (c === '}' || c === ']') {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && /[,\s]/.test(c)) return at;
  }
  return at;
}
