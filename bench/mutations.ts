/**
 * How many small wrongs in the code the tests find: a sample of mutants of one folder, each run against the tests that import
 * its file, directly or by way of others: unit tests, of these first those that import it themselves, then property tests, then
 * those of the guard against a Postgres, of these first those that bear a word of the file's name. The worktree itself is
 * never changed. A sample that takes long is measured in parts: each leaves its fates in a file, and the next one goes on.
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
  /^test\/((unit|property)\/.*|contract\/(approval|custody|effects|freezes|oidc|postgres-custody|site-windows|steer).*)\.test\.ts$/;

type Fate = 'killed' | 'survived' | 'timed out' | 'untested';
type Place = { file: string; mutant: Mutant };

const stopAt = Date.now() + 60_000 * Number(values.minutes ?? Number.POSITIVE_INFINITY);
const sound = new Map<string, boolean>();
const root = await copyOf(process.cwd());
const postgres = await startEmbeddedPostgres({ dataDir: join(root, 'postgres') });
try {
  await measure();
} finally {
  await postgres.stop();
  await rm(root, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const imports = await importsIn(root);
  const all = await placesUnder(values.under);
  const sample = shuffled(all, Number(values.seed)).slice(0, Number(values.most));
  const fates = await earlierFates();
  const left = sample.filter(place => !fates.has(nameOf(place)));
  // Once for all, because each run has its price.
  await soundOf(
    [...new Set(left.flatMap(({ file }) => groupsOf(imports, file)[0] ?? []))].filter(test => pure.test(test)),
  );
  for (const place of left) {
    if (Date.now() > stopAt) break;
    const name = nameOf(place);
    const fate = await fateOf(place, groupsOf(imports, place.file));
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

function nameOf({ file, mutant }: Place): string {
  return `${file}:${mutant.line}  ${mutant.what}  @${mutant.from}`;
}

async function earlierFates(): Promise<Map<string, Fate>> {
  const text = values.fates ? await readFile(values.fates, { encoding: 'utf8', flag: 'a+' }) : '';
  return new Map(text.split('\n').flatMap(line => (line ? [JSON.parse(line)] : [])));
}

/** Those that pass without any mutant: one that fails anyway would count each mutant as killed. */
async function soundOf(tests: string[]): Promise<string[]> {
  const open = tests.filter(test => !sound.has(test));
  const together = open.length > 0 && (await run(open)) === 'survived';
  for (const test of open) {
    sound.set(test, together || (await run([test])) === 'survived');
    if (!sound.get(test)) console.log(`left out, because it fails without any mutant: ${test}`);
  }
  return tests.filter(test => sound.get(test));
}

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

/** The tests that stand on `file`, by way of planning, guard, surfaces and test support alone: the quickest first. */
function groupsOf(imports: Map<string, string[]>, file: string): string[][] {
  const standing = new Set([file]);
  for (const reached of standing)
    for (const [importer, targets] of imports)
      if (targets.includes(reached) && /^(src\/(planning|guard|gateway|surfaces)|test)\//.test(importer))
        standing.add(importer);
  const words = basename(file, '.ts').split('-');
  const turnOf = (test: string) => {
    const [, folder] = pure.exec(test) ?? [];
    if (folder === 'unit' && imports.get(test)?.includes(file)) return 'direct';
    return folder ?? (words.some(word => basename(test).includes(word)) ? 'of its name' : 'other');
  };
  const turns = Map.groupBy([...standing].filter(each => quick.test(each)).sort(), turnOf);
  return ['direct', 'unit', 'property', 'of its name', 'other'].flatMap(turn => {
    const tests = turns.get(turn);
    return tests ? [tests] : [];
  });
}

async function fateOf({ file, mutant }: Place, groups: string[][]): Promise<Fate> {
  const path = join(root, file);
  const text = await readFile(path, 'utf8');
  let fate: Fate = 'untested';
  for (const group of groups) {
    const tests = await soundOf(group);
    if (tests.length === 0) continue;
    await writeFile(path, text.slice(0, mutant.from) + mutant.text + text.slice(mutant.to));
    fate = await run(tests);
    await writeFile(path, text);
    if (fate !== 'survived') break;
  }
  return fate;
}

/** In a process of its own, because a wrong loop ends by nothing but its death. */
function run(tests: string[]): Promise<Fate> {
  const options = {
    cwd: root,
    timeout: 1000 * Number(values.seconds),
    killSignal: 'SIGKILL' as const,
    maxBuffer: 2 ** 26,
    env: {
      ...process.env,
      // With fewer, what properties say of the share of cases that they saw is not true of every sample.
      GROUNDSKEEPER_PROPERTY_RUNS: '2000',
      GROUNDSKEEPER_PROPERTY_SEED: '5',
      GROUNDSKEEPER_TEST_POSTGRES: postgres.url,
      NODE_COMPILE_CACHE: join(root, 'compiled'),
    },
  };
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', '--no-isolate', '--pool', 'threads'];
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
