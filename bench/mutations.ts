/**
 * How many small wrongs in the code the tests find: a sample of mutants of one folder, each run against the tests that enter
 * its function: unit tests, of these first those that import its file themselves, then property tests, then those of the guard
 * against a Postgres, of these first those that bear a word of the file's name. Which tests enter which function is measured
 * first, by running each once. The worktree itself is never changed. A sample that takes long is measured in parts: each leaves
 * its fates, and what enters what, in files beside each other, and the next one goes on. TMPDIR on a RAM disk makes it quicker.
 *
 *   npm run bench:mutations -- [--under src/planning] [--most 100] [--seed 1] [--seconds 60] [--fates FILE --minutes 4]
 */
import { execFile } from 'node:child_process';
import { appendFile, chmod, cp, glob, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import { startEmbeddedPostgres } from '../src/adapters/postgres/embedded.ts';
import { type Mutant, mutantsOf } from './parts/mutants.ts';
import { numberFlag } from './parts/number-flag.ts';
import { keyAt, reachedFile, telling } from './parts/reach.ts';

const { values } = parseArgs({
  options: {
    under: { type: 'string', default: 'src/planning' },
    most: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    fates: { type: 'string' },
    minutes: { type: 'string' },
  },
});

const pure = /^test\/(unit|property)\//;
/** Tests that open no lab. */
const quick =
  /^test\/((unit|property)\/.*|contract\/(approval|custody|directory-groups|effects|freezes|oidc|postgres-custody|site-windows|steer).*)\.test\.ts$/;

type Fate = 'killed' | 'survived' | 'timed out' | 'untested';
type Place = { file: string; key: string; mutant: Mutant };
/** A test file that passes without any mutant, how long it takes, and the keys of what it enters. */
type Reach = { test: string; ms: number; keys: string[] };

const leastLimitMs = 1000 * numberFlag(values, 'seconds');
const stopAt = Date.now() + 60_000 * numberFlag(values, 'minutes', Number.POSITIVE_INFINITY);
const root = await copyOf(process.cwd());
const postgres = await startEmbeddedPostgres({ dataDir: join(root, 'postgres') });
try {
  await measure();
} finally {
  await postgres.stop();
  await rm(root, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const all = await placesUnder(values.under);
  const sample = shuffled(all, numberFlag(values, 'seed')).slice(0, numberFlag(values, 'most'));
  const imports = await importsIn(root);
  const reaches = await reachesOf([...new Set(all.map(({ file }) => file))], imports);
  const fates = await earlierFates();
  for (const place of sample) {
    const name = `${place.file}:${place.mutant.line}  ${place.mutant.what}  @${place.mutant.from}`;
    if (fates.has(name)) continue;
    if (Date.now() > stopAt) break;
    const fate = await fateOf(place, groupsOf(reaches, imports, place));
    fates.set(name, fate);
    if (values.fates) await appendFile(values.fates, `${JSON.stringify([name, fate])}\n`);
    if (fate !== 'killed') console.log(`${fate}  ${name}`);
  }
  const count = (fate: Fate) => [...fates.values()].filter(each => each === fate).length;
  const found = count('killed') + count('timed out');
  console.log(
    `${values.under}: ${found} of ${fates.size} killed (${((100 * found) / fates.size).toFixed(1)} %), of ${all.length} mutants; ` +
      `${count('survived')} survived, ${count('timed out')} ran too long, ${count('untested')} without a test; seed ${values.seed}`,
  );
}

async function earlierFates(): Promise<Map<string, Fate>> {
  const text = values.fates ? await readFile(values.fates, { encoding: 'utf8', flag: 'a+' }) : '';
  return new Map(text.split('\n').flatMap(line => (line ? [JSON.parse(line)] : [])));
}

/** What each test that stands on one of the files enters of them. */
async function reachesOf(files: string[], imports: Map<string, string[]>): Promise<Reach[]> {
  const kept = values.fates && `${values.fates}.reach`;
  const known = kept && (await readFile(kept, { encoding: 'utf8', flag: 'a+' }));
  if (known) return JSON.parse(known);
  const texts = new Map<string, string>();
  for (const file of files) texts.set(file, await readFile(join(root, file), 'utf8'));
  for (const [file, text] of texts) await writeFile(join(root, file), telling(file, text));
  const reaches = await reachesNow(testsOn(imports, files));
  for (const [file, text] of texts) await writeFile(join(root, file), text);
  if (kept) await writeFile(kept, JSON.stringify(reaches));
  return reaches;
}

/** One that fails without any mutant would count each as killed: it enters nothing. */
async function reachesNow(tests: string[]): Promise<Reach[]> {
  const [told, report] = [join(root, 'reached'), join(root, 'report.json')];
  const reporter = ['--reporter', 'json', '--outputFile', report];
  await run(tests, { ms: 3600_000, env: { [reachedFile]: told }, args: reporter });
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report;
  const lines = (await readFile(told, 'utf8')).split('\n').filter(Boolean);
  const keys = Map.groupBy(
    lines.map(line => JSON.parse(line) as [string, string]),
    ([test]) => test,
  );
  return testResults.flatMap(({ name, status, startTime, endTime }) => {
    const test = relative(root, name);
    if (status !== 'passed') console.log(`left out, because it fails without any mutant: ${test}`);
    const reach = { test, ms: endTime - startTime, keys: (keys.get(name) ?? []).map(([, key]) => key) };
    return status === 'passed' ? [reach] : [];
  });
}

type Report = { testResults: { name: string; status: string; startTime: number; endTime: number }[] };

async function copyOf(from: string): Promise<string> {
  const to = await mkdtemp(join(tmpdir(), 'mutations-'));
  await chmod(to, 0o755); // started by root, the database's server runs as another user
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
    places.push(...mutantsOf(file, text).map(mutant => ({ file, key: keyAt(file, text, mutant.from), mutant })));
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

/** The tests that stand on one of the files, by way of planning, guard, surfaces and test support alone. */
function testsOn(imports: Map<string, string[]>, files: string[]): string[] {
  const standing = new Set(files);
  for (const reached of standing)
    for (const [importer, targets] of imports)
      if (targets.includes(reached) && /^(src\/(planning|guard|gateway|surfaces)|test)\//.test(importer))
        standing.add(importer);
  return [...standing].filter(each => quick.test(each)).sort();
}

/** The tests that come by the place, in the order in which they are asked. */
function groupsOf(reaches: Reach[], imports: Map<string, string[]>, { file, key }: Place): Reach[][] {
  const words = basename(file, '.ts').split('-');
  const turnOf = ({ test }: Reach) => {
    const [, folder] = pure.exec(test) ?? [];
    if (folder === 'unit' && imports.get(test)?.includes(file)) return 'direct';
    return folder ?? (words.some(word => basename(test).includes(word)) ? 'of its name' : 'other');
  };
  const coming = reaches.filter(({ keys }) => keys.includes(key));
  const turns = Map.groupBy(coming, turnOf);
  return ['direct', 'unit', 'property', 'of its name', 'other'].flatMap(turn => {
    const group = turns.get(turn);
    return group ? [group] : [];
  });
}

async function fateOf({ file, mutant }: Place, groups: Reach[][]): Promise<Fate> {
  const path = join(root, file);
  const text = await readFile(path, 'utf8');
  let fate: Fate = 'untested';
  await writeFile(path, text.slice(0, mutant.from) + mutant.text + text.slice(mutant.to));
  for (const group of groups) {
    // A machine that is busy is no wrong loop: what is slow without a mutant has more time.
    const usual = group.reduce((sum, { ms }) => sum + Math.ceil(ms), 0);
    const limit = Math.max(leastLimitMs, 4 * usual);
    fate = await run(
      group.map(({ test }) => test),
      { ms: limit },
    );
    if (fate !== 'survived') break;
  }
  await writeFile(path, text);
  return fate;
}

/** In a process of its own, because a wrong loop ends by nothing but its death. */
function run(
  tests: string[],
  { ms, env = {}, args = ['--bail', '1'] }: { ms: number; env?: Record<string, string>; args?: string[] },
): Promise<Fate> {
  const options = {
    cwd: root,
    timeout: ms,
    killSignal: 'SIGKILL' as const,
    maxBuffer: 2 ** 26,
    env: {
      ...process.env,
      // With fewer, what properties say of the share of cases that they saw is not true of every sample.
      GROUNDSKEEPER_PROPERTY_RUNS: '2000',
      GROUNDSKEEPER_PROPERTY_SEED: '5',
      GROUNDSKEEPER_TEST_POSTGRES: postgres.url,
      NODE_COMPILE_CACHE: join(root, 'compiled'),
      ...env,
    },
  };
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--pool', 'threads', ...args];
  return new Promise(done => {
    execFile(process.execPath, [...vitest, ...tests], options, failed => {
      done(failed === null ? 'survived' : failed.killed ? 'timed out' : 'killed');
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
