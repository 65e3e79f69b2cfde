import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

type Cruise = {
  modules: { source: string }[];
  summary: { violations: { from: string; to: string; rule: { name: string } }[] };
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
});

/** What `npm run check:house` sees in `dir`. */
async function cruise(dir: string): Promise<Cruise> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [program, ...args] = (scripts['check:house'] ?? '').split(' ');
  expect(program).toBe('depcruise');
  const checker = join(root, 'node_modules/.bin', 'depcruise');
  const { stdout } = await promisify(execFile)(checker, ['--output-type', 'json', ...args], {
    cwd: dir,
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Cruise;
}

/** A house with these files, built to our plan. */
function house(files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'house-'));
  made.push(dir);
  for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
    cpSync(join(root, name), join(dir, name));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  return dir;
}

const neighbours = {
  'src/core/plan.ts': 'export type Plan = { id: string };\nexport const plan = 1;\n',
  'src/adapters/redfish/bmc.ts': 'export type Bmc = { url: string };\nexport const bmc = 1;\n',
  'src/adapters/postgres/store.ts': "import { plan } from '../../core/plan.ts';\nexport const store = plan;\n",
  'src/guard/votes.ts': 'export const votes = 1;\n',
  'src/surfaces/cli/cli.ts': 'export const cli = 1;\n',
  'tools/get-plan.ts': "import { plan } from '../src/core/plan.ts';\nexport const getPlan = plan;\n",
};

/** One wrong import each, and the wall that it breaks. */
const violations: [what: string, file: string, imports: string, wall: string][] = [
  ['core imports an adapter', 'src/core/bad.ts', '../adapters/redfish/bmc.ts', 'core-imports'],
  ['core uses a package of no vocabulary', 'src/core/bad.ts', 'undici', 'core-imports-few-packages'],
  ['an adapter imports another', 'src/adapters/redfish/bad.ts', '../postgres/store.ts', 'adapters-are-strangers'],
  ['the lab imports an adapter', 'src/lab/bad.ts', '../adapters/redfish/bmc.ts', 'lab-imports'],
  ['a tool imports an adapter', 'tools/bad.ts', '../src/adapters/redfish/bmc.ts', 'tools-imports'],
  ['a tool imports the guard', 'tools/bad.ts', '../src/guard/votes.ts', 'tools-imports'],
  ['a surface imports the guard', 'src/surfaces/mcp/bad.ts', '../../guard/votes.ts', 'surfaces-imports'],
  ['planning imports an adapter', 'src/planning/bad.ts', '../adapters/redfish/bmc.ts', 'planning-imports'],
  ['an adapter imports a surface', 'src/adapters/redfish/bad.ts', '../../surfaces/cli/cli.ts', 'adapters-imports'],
  ['the engine imports a tool', 'src/engine/bad.ts', '../../tools/get-plan.ts', 'engine-imports'],
  ['Kysely outside Postgres', 'src/guard/bad.ts', 'kysely', 'only-one-room-uses-kysely'],
  ['DBOS outside the engine', 'src/workflows/bad.ts', '@dbos-inc/dbos-sdk', 'only-one-room-uses--dbos-inc-'],
  ['Cedar outside policy', 'src/guard/bad.ts', '@cedar-policy/cedar-wasm/nodejs', 'only-one-room-uses--cedar-policy-'],
  [
    'the MCP server in a tool',
    'tools/bad.ts',
    '@modelcontextprotocol/server',
    'only-one-room-uses--modelcontextprotocol-server',
  ],
  ['commander outside the CLI', 'src/surfaces/mcp/bad.ts', 'commander', 'only-one-room-uses-commander'],
];

describe('the dependency checker', () => {
  it('says nothing about a house without a violation', async () => {
    const { summary } = await cruise(house(neighbours));
    expect(summary.violations).toEqual([]);
  });

  it('reports each planted violation by the wall that it breaks', async () => {
    const files = Object.fromEntries(
      violations.map(([, file, imports], at) => [
        file.replace('bad', `bad-${at}`),
        `import * as wrong from '${imports}';\nexport const used = wrong;\n`,
      ]),
    );
    const reported = (await cruise(house({ ...neighbours, ...files }))).summary.violations;
    const wallsOf = (file: string) => reported.filter(({ from }) => from === file).map(({ rule }) => rule.name);
    const missed = violations.filter(
      ([, file, , wall], at) => !wallsOf(file.replace('bad', `bad-${at}`)).includes(wall),
    );
    expect(missed.map(([what]) => what)).toEqual([]);
    expect(reported.map(({ from }) => from).filter(from => !from.includes('/bad-'))).toEqual([]);
  });

  it('counts an import of a type alone, and finds a cycle', async () => {
    const { summary } = await cruise(
      house({
        ...neighbours,
        'src/core/typed.ts': "import type { Bmc } from '../adapters/redfish/bmc.ts';\nexport type Mine = Bmc;\n",
        'src/lab/egg.ts': "import { hen } from './hen.ts';\nexport const egg = () => hen;\n",
        'src/lab/hen.ts': "import { egg } from './egg.ts';\nexport const hen = () => egg;\n",
      }),
    );
    const found = summary.violations.map(({ from, rule }) => `${from} ${rule.name}`);
    expect(found).toContain('src/core/typed.ts core-imports');
    expect(found).toContain('src/lab/egg.ts no-cycles');
  });

  it('really walks our own house, and every room of it has a wall', async () => {
    const { modules, summary } = await cruise(root);
    const own = modules.map(({ source }) => source).filter(source => source.startsWith('src/'));
    expect(own.length).toBeGreaterThan(150);
    expect(modules.filter(({ source }) => source.startsWith('tools/')).length).toBeGreaterThan(13);
    expect(summary.violations).toEqual([]);
    const walls = readFileSync(join(root, '.dependency-cruiser.mjs'), 'utf8');
    const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).filter(entry => entry.isDirectory());
    expect(rooms.map(room => room.name).filter(name => !walls.includes(`\n  ${name}: [`))).toEqual([]);
  });
});
