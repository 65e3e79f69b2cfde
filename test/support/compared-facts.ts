/** How one reading of a machine differs from that of the same machine when it was well. */

/**
 * `ok`, `worse` where a part is worse than it was, `part` where something that was known is unknown now, `less` where something
 * is missing and nothing says so.
 */
export function compared(before: unknown, now: unknown): 'ok' | 'worse' | 'part' | 'less' {
  const [was, is] = [flat(before), flat(now)];
  for (const [path, current] of is) if (rank(current) > rank(was.get(path))) return 'worse';
  const news = [...is].filter(([path, current]) => current === 'unknown' && was.get(path) !== 'unknown');
  const toldLists = new Set(news.map(([path]) => listOf(path)));
  const missing = [...was.keys()].filter(path => !is.has(path));
  if (missing.some(path => !toldLists.has(listOf(path)))) return 'less';
  return news.length > 0 ? 'part' : 'ok';
}

/** `temperatures` of `/temperatures/…`; all of a plain list is one. */
function listOf(path: string): string {
  return path.split('/')[1] ?? '';
}

const ranks = ['ok', 'warning', 'critical'];

function rank(value: string | undefined): number {
  return value === 'true' ? 1 : Math.max(0, ranks.indexOf(value ?? ''));
}

/** Facts and lists by their place. Log entries come and go, and say nothing of the parts by themselves. */
function flat(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value)) {
    for (const each of value) flat(each, `${path}/${each.uri ?? each.dimm ?? each.name}`, found);
  } else if (typeof value === 'object' && value !== null) {
    if ('unknown' in value) found.set(path, 'unknown');
    else if ('value' in value) {
      found.set(path, levelOf(path, value.value));
      if (!path.endsWith('/log')) flat(value.value, path, found);
    } else for (const [key, each] of Object.entries(value)) flat(each, `${path}/${key}`, found);
  }
  return found;
}

function levelOf(path: string, value: unknown): string {
  return /\/(health|predictedFailure)$/.test(path) ? String(value) : 'known';
}
