/**
 * How many small wrongs in the code the tests find: a sample of mutants of one folder, each run against the tests that import
 * its file, directly or by way of others: unit and property tests, and those of the guard against a Postgres. The worktree
 * itself is never changed.
 *
 *   npm run bench:mutations -- [--under src/planning] [--most 100] [--seed 1] [--seconds 30]
 */
import { execFile } from 'node:child_process';
import { cp, glob, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import { type Mutant, mutantsOf } from './parts/mutants.ts';

const { values } = parseArgs({
  options: {
    under: { type: 'string', default: 'src/planning' },
    most: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
  },
});

/** Tests that open no lab. */
const quick = /^test\/((unit|property)\/.*|contract\/(approvals|effects|freeze|postgres-custody).*)\.test\.ts$/;

type Fate = 'killed' | 'survived' | 'timed out' | 'untested';
type Place = { file: string; mutant: Mutant };

const root = await copyOf(process.cwd());
try {
  await measure();
} finally {
  await rm(root, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const imports = await importsIn(root);
  const all = await placesUnder(values.under);
  const sample = shuffled(all, Number(values.seed)).slice(0, Number(values.most));
  const concerned = new Set(sample.flatMap(({ file }) => testsOf(imports, file)));
  for (const test of concerned) {
    const { fate, said } = await run([test]);
    if (fate !== 'survived') throw new Error(`without any mutant ${test} was ${fate}:\n${said}`);
  }
  const fates: Fate[] = [];
  for (const place of sample) {
    const fate = await fateOf(place, testsOf(imports, place.file));
    fates.push(fate);
    if (fate !== 'killed') console.log(`${fate}  ${place.file}:${place.mutant.line}  ${place.mutant.what}`);
  }
  const count = (fate: Fate) => fates.filter(each => each === fate).length;
  const found = count('killed') + count('timed out');
  console.log(
    `${values.under}: ${found} of ${fates.length} killed (${((100 * found) / fates.length).toFixed(1)} %), of ${all.length} mutants; ` +
      `${count('survived')} survived, ${count('timed out')} ran too long, ${count('untested')} without a test; seed ${values.seed}`,
  );
}

async function copyOf(from: string): Promise<string> {
  const to = await mkdtemp(join(tmpdir(), 'mutations-'));
  const left = new Set(['node_modules', '.git'].map(name => join(from, name)));
  await cp(from, to, { recursive: true, filter: path => !left.has(path) });
  await symlink(join(from, 'node_modules'), join(to, 'node_modules'));
  return to;
}

async function placesUnder(folder: string): Promise<Place[]> {
  const places: Place[] = [];
  const files: string[] = [];
  for await (const file of glob(`${folder}/**/*.ts`, { cwd: root })) files.push(file);
  for (const file of files.sort()) {
    const text = await readFile(join(root, file), 'utf8');
    places.push(...mutantsOf(file, text).map(mutant => ({ file, mutant })));
  }
  return places;
}

/** Which files of ours each file imports, types left out. */
async function importsIn(folder: string): Promise<Map<string, string[]>> {
  const imports = new Map<string, string[]>();
  for await (const file of glob('{src,tools,test}/**/*.ts', { cwd: folder })) {
    const source = ts.createSourceFile(file, await readFile(join(folder, file), 'utf8'), ts.ScriptTarget.Latest);
    imports.set(
      file,
      source.statements.flatMap(statement => targetOf(file, statement)),
    );
  }
  return imports;
}

function targetOf(file: string, statement: ts.Statement): string[] {
  const names =
    ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement) ? statement.moduleSpecifier : undefined;
  if (!names || !ts.isStringLiteral(names) || !names.text.startsWith('.')) return [];
  if (ts.isImportDeclaration(statement) && statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    return [];
  return [relative('.', resolve(dirname(file), names.text))];
}

/** The quick tests that stand on `file`, by way of planning, guard and test support alone. */
function testsOf(imports: Map<string, string[]>, file: string): string[] {
  const standing = new Set([file]);
  for (const reached of standing)
    for (const [importer, targets] of imports)
      if (targets.includes(reached) && /^(src\/(planning|guard)|test)\//.test(importer)) standing.add(importer);
  return [...standing].filter(each => quick.test(each));
}

async function fateOf({ file, mutant }: Place, tests: string[]): Promise<Fate> {
  if (tests.length === 0) return 'untested';
  const path = join(root, file);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.slice(0, mutant.from) + mutant.text + text.slice(mutant.to));
  try {
    return (await run(tests)).fate;
  } finally {
    await writeFile(path, text);
  }
}

/** In a process of its own, because a wrong loop ends by nothing but its death. */
function run(tests: string[]): Promise<{ fate: Fate; said: string }> {
  const options = {
    cwd: root,
    timeout: 1000 * Number(values.seconds),
    killSignal: 'SIGKILL' as const,
    maxBuffer: 2 ** 26,
    env: { ...process.env, GROUNDSKEEPER_PROPERTY_RUNS: '300' },
  };
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--bail',
    '1',
    '--no-isolate',
    '--pool',
    'threads',
    ...tests,
  ];
  return new Promise(done => {
    execFile(process.execPath, vitest, options, (failed, said) => {
      done({ fate: failed === null ? 'survived' : failed.killed ? 'timed out' : 'killed', said });
    });
  });
}

/** Fisher and Yates over a small generator of its own: the same sample for the same seed. */
function shuffled<T>(list: T[], seed: number): T[] {
  const mixed = [...list];
  let state = seed >>> 0;
  for (let last = mixed.length - 1; last > 0; last--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
}
