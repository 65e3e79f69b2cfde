/** curl and sushy, as people script them, each a process of its own whose use of the machine is measured from outside. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type Account = { username: string; password: string };
export type Run = { ms: number; cpuMs: number; mostRss: number; failed: number };

const run = promisify(execFile);
const clock = '/usr/bin/time';
const python = '/usr/bin/python3';
const parallel = 300;

/** Why one of them cannot take part; undefined where it can. */
export async function missing(reader: 'curl' | 'sushy'): Promise<string | undefined> {
  const needs =
    reader === 'curl'
      ? [
          ['curl', '--version'],
          [clock, 'true'],
        ]
      : [[python, '-c', 'import sushy']];
  for (const [program = '', ...args] of needs) {
    const works = await run(program, args).then(
      () => true,
      () => false,
    );
    if (!works) return `${[program, ...args].join(' ')} does not work here`;
  }
  return undefined;
}

/** Reads all addresses with one `curl --parallel`, which knows neither pins nor sessions: any certificate, and Basic. */
export async function byCurl(urls: string[], account: Account, folder: string): Promise<Run & { connections: number }> {
  const config = join(folder, 'curl-config');
  const outcomes = join(folder, 'curl-outcomes');
  const options = [
    'parallel',
    `parallel-max = ${parallel}`,
    'insecure',
    'silent',
    `user = "${account.username}:${account.password}"`,
    'max-time = 240',
    'write-out = "%{http_code} %{num_connects}\\n"',
  ];
  // An address may hold what curl takes for a range of addresses.
  const reads = byTurns(urls).flatMap(url => [`url = "${url}"`, 'output = "/dev/null"']);
  await writeFile(config, [...options, 'globoff', ...reads].join('\n'), { mode: 0o600 });
  const began = performance.now();
  const { stdout, stderr } = await run(clock, ['-f', '%U %S %M', 'curl', '--config', config], {
    maxBuffer: 2 ** 28,
  }).catch((error: { stdout: string; stderr: string }) => error);
  const ms = performance.now() - began;
  await writeFile(outcomes, stdout);
  const [user = 0, system = 0, kilobytes = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const transfers = stdout
    .trim()
    .split('\n')
    .map(line => line.split(' ').map(Number));
  return {
    ms,
    cpuMs: (user + system) * 1000,
    mostRss: kilobytes * 1024,
    failed: urls.length - transfers.filter(([code]) => code === 200).length,
    connections: transfers.reduce((sum, [, connects = 0]) => sum + connects, 0),
  };
}

/** The order that suits curl best: so many BMCs as it has transfers, by turns, so that each connection serves its BMC to the end. */
function byTurns(urls: string[]): string[] {
  const bmcs = [...Map.groupBy(urls, url => new URL(url).origin).values()];
  const groups = Array.from({ length: Math.ceil(bmcs.length / parallel) }, (_, at) =>
    bmcs.slice(at * parallel, (at + 1) * parallel),
  );
  return groups.flatMap(group => {
    const most = Math.max(...group.map(each => each.length));
    return Array.from({ length: most }, (_, turn) => group.flatMap(each => each.slice(turn, turn + 1))).flat();
  });
}

/** Reads every BMC through sushy in as many threads as curl has transfers; logs in and out of each. */
export async function bySushy(urls: string[], account: Account, folder: string): Promise<Run> {
  const file = join(folder, 'sushy.json');
  await writeFile(file, JSON.stringify({ urls, threads: parallel, ...account }), { mode: 0o600 });
  const script = fileURLToPath(new URL('./sweep_sushy.py', import.meta.url));
  // These make `requests` check certificates although it was told not to.
  const { REQUESTS_CA_BUNDLE: _requests, CURL_CA_BUNDLE: _curl, ...env } = process.env;
  const { stdout } = await run(python, [script, file], { maxBuffer: 2 ** 24, env });
  const found = JSON.parse(stdout) as Run & { firstFailure: string | null };
  if (found.firstFailure !== null) console.error(`  sushy: ${found.firstFailure}`);
  return found;
}
