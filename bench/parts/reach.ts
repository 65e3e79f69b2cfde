/** Which functions a run enters: each tells it once, so that a mutant is shown only to tests that come by its place. */
import ts from 'typescript';

/** Names the file to which the functions of a `telling` text write; nothing is told where it is not set. */
export const reachedFile = 'MUTATIONS_REACHED';

/** One line for each key that a test file enters. */
const tell = `
function tellReached(key) {
  const test = globalThis.__vitest_worker__?.filepath;
  const told = (globalThis.toldReached ??= new Set());
  const line = JSON.stringify([test, key]) + '\\n';
  if (!test || told.has(line) || !process.env.${reachedFile}) return;
  told.add(line);
  process.getBuiltinModule('node:fs').appendFileSync(process.env.${reachedFile}, line);
}
`;

/** The same program, of which each function tells its key when it is entered, and the file when it is loaded. */
export function telling(file: string, text: string): string {
  const inserts = functionsIn(file, text).flatMap(({ from, body }) => {
    const call = `tellReached(${JSON.stringify(`${file}:${from}`)})`;
    if (ts.isBlock(body)) return [{ at: body.getStart() + 1, text: `${call};` }];
    return [
      { at: body.getStart(), text: `(${call},` },
      { at: body.end, text: ')' },
    ];
  });
  const told = inserts
    .toSorted((a, b) => b.at - a.at)
    .reduce((all, insert) => all.slice(0, insert.at) + insert.text + all.slice(insert.at), text);
  return `${told}\ntellReached(${JSON.stringify(`${file}:0`)});${tell}`;
}

/** The key of the function around an offset, or of the file for what runs when it is loaded. */
export function keyAt(file: string, text: string, offset: number): string {
  const around = functionsIn(file, text).filter(({ from, end }) => from <= offset && offset < end);
  return `${file}:${Math.max(0, ...around.map(({ from }) => from))}`;
}

type Found = { from: number; end: number; body: ts.ConciseBody };

function functionsIn(file: string, text: string): Found[] {
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body)
      found.push({ from: node.getStart(), end: node.end, body: node.body as ts.ConciseBody });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}
