/** The protocol's own conformance suite, run against a server over HTTP, and what it did not find there. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export type Revision = '2025-11-25' | '2026-07-28';
/** What the suite said of each check that is not met, be it a MUST or a SHOULD, by the check's id. */
export type Unmet = Record<string, string>;

type Check = { id: string; status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'; errorMessage?: string };
type Requirements = { server: string[]; not_scored: { scenario: string; leg: string; reason: string }[] };

const suite = import.meta.resolve('@modelcontextprotocol/conformance/package.json');
const place = (file: string) => fileURLToPath(new URL(file, suite));

/** Names of all scenarios for servers of this revision; optional extensions of the protocol have none of ours. */
export async function scenariosOf(revision: Revision): Promise<string[]> {
  const requirements = parse(await readFile(place(`requirements/${revision}.yaml`), 'utf8')) as Requirements;
  const others = requirements.not_scored.filter(({ leg, reason }) => leg === 'server' && reason !== 'extension');
  return [...requirements.server, ...others.map(({ scenario }) => scenario)];
}

/** By scenario. One in which nothing could be checked has `nothing-checked` unmet. */
export async function runConformance(url: string, revision: Revision): Promise<Map<string, Unmet>> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const what = ['server', '--url', url, '--suite', 'all', '--spec-version', revision, '--output-dir', folder];
  try {
    // It exits with an error where a check is not met: which ones are is in the files.
    await new Promise(resolve =>
      execFile(process.execPath, [place('dist/index.js'), ...what], { maxBuffer: 2 ** 26 }, resolve),
    );
    const found = new Map<string, Unmet>();
    for (const name of await readdir(folder)) {
      const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
      found.set(scenario, unmetIn(JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as Check[]));
    }
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function unmetIn(checks: Check[]): Unmet {
  const failed = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  const isMet = checks.some(({ status, id }) => status === 'SUCCESS' && id !== 'wire-schema-valid');
  if (!isMet && failed.length === 0) return { 'nothing-checked': 'no check of this scenario could be made' };
  return Object.fromEntries(failed.map(({ id, errorMessage, status }) => [id, errorMessage ?? status]));
}
