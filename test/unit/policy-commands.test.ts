/** The commands for policy files, as a terminal shows them; no service runs, and none is asked. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../src/surfaces/cli/cli.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'policy-'));
  cpSync(new URL('../../policies', import.meta.url), dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

/** All that was printed, its line breaks and columns made single spaces. */
async function ran(...words: string[]): Promise<{ code: number; text: string }> {
  const output = new PassThrough();
  const terminal = { input: new PassThrough(), output, errors: output, onInterrupt: () => () => undefined };
  const settings = { configDir: dir, url: 'http://127.0.0.1:9' };
  const hashPassphrase = async () => '';
  const peopleIn = () => ({ groups: ['operators', 'boston:leads', 'boston:dc'], sites: ['boston', 'york'] });
  const deps = { catalog: [], version: '0', settings, terminal, hashPassphrase, peopleIn };
  const code = await runCli(deps, ['policy', ...words, '--policies', dir]);
  return { code, text: String(output.read() ?? '').replace(/\s+/g, ' ') };
}

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(join(dir, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(join(dir, file), text.replace(from, to));
}

function lineOf(file: string, text: string): number {
  return (
    readFileSync(join(dir, file), 'utf8')
      .split('\n')
      .findIndex(line => line.includes(text)) + 1
  );
}

describe('policy check', () => {
  it('finds no fault in what is shipped', async () => {
    const { code, text } = await ran('check');
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/are sound\. .* 4 ask for votes .* digest sha256:[0-9a-f ]{64}/),
    ]);
  });

  it('reports the faults of all files at once, of every kind, each with its line', async () => {
    edit('access.cedar', '@id("operators-change")', '@id("operators-change")\n@note("x")');
    edit('limits.cedar', 'context.blast.quorumLost', 'context.blast.masters');
    edit('health.cedar', 'permit (', 'allow (');
    edit('health.cedar', '// What', `// ${'é'.repeat(99)}`);
    writeFileSync(
      join(dir, 'é.cedar'),
      `// é\n@id("deep")\npermit (principal, action, resource)\nwhen { ${'('.repeat(40)} };`,
    );
    edit('schema.cedarschema', '"startPlan", "cancelOperation"', '"cancelOperation"');
    writeFileSync(
      join(dir, 'other.cedar'),
      '// é\n@id("plans") permit (principal, action == Fleet::Action::"startPlan", resource);',
    );
    const { code, text } = await ran('check');
    expect(code).toBe(2);
    for (const fault of [
      `access.cedar:${lineOf('access.cedar', '@id("operators-change")')}: operators-change: @note is not known`,
      `limits.cedar:${lineOf('limits.cedar', 'masters')}: quorum-lost: attribute \`blast.masters\``,
      `health.cedar:${lineOf('health.cedar', 'allow (')}: invalid policy effect: allow`,
      'é.cedar:4: nested more than 32 deep',
      'other.cedar:2: plans: unrecognized action',
    ])
      expect(text).toContain(fault);
  });

  it('reports where a schema breaks off', async () => {
    edit('schema.cedarschema', 'entity Site;', 'entity Site');
    const { code, text } = await ran('check');
    const line = lineOf('schema.cedarschema', 'entity Cluster');
    expect([code, text]).toEqual([2, expect.stringContaining(`schema.cedarschema:${line}: failed to parse schema`)]);
  });

  it('reports a fault once, not for each of the actions that it concerns', async () => {
    edit('access.cedar', 'resource);', 'resource) when { context.blast.targets > 0 };');
    const { text } = await ran('check');
    expect(text.match(/optional attribute `blast`/g)).toHaveLength(1);
    expect(text).toMatch(/and \d+ more like it here/);
  });
});

/** Puts a second rule of votes beside the shipped one. */
function wantVotes(annotations: string): void {
  const rule = `@id("both") ${annotations} @ttl("PT1H") @reason("two teams look at it") forbid (principal, action == Fleet::Action::"drainNode", resource) unless { context.cleared.contains("both") };`;
  writeFileSync(join(dir, 'both.cedar'), rule);
}

describe('policy check with a configuration', () => {
  it('says which sites lack the voters that a policy wants, and is content where others can vote there', async () => {
    wantVotes('@approvals("2") @from("site:leads, site:dc") @distinct_groups("2")');
    const { code, text } = await ran('check', '--config', 'some.yaml');
    const notice = 'both.cedar:1: both: too few could vote at york: nobody is in york:leads, york:dc';
    expect([code, text]).toEqual([0, expect.stringMatching(`Never allowed, for want of voters .*${notice}`)]);
    wantVotes('@approvals("2") @from("site:leads, operators")');
    const { text: content } = await ran('check', '--config', 'some.yaml');
    expect(content).toContain('looked for, at 2 sites');
    expect(content).not.toContain('both.cedar');
  });
});

describe('policy test', () => {
  it('passes on what is shipped, and says on how much', async () => {
    const { code, text } = await ran('test');
    expect([code, text]).toEqual([0, expect.stringMatching(/^All [1-9]\d+ cases are decided as expected/)]);
  });

  it('shows each difference with its line, and fails', async () => {
    edit('approvals.cedar', 'action == Fleet::Action::"identifyNode"', 'action == Fleet::Action::"drainNode"');
    const { code, text } = await ran('test');
    expect(code).toBe(1);
    const light = 'a locating light needs nobody else';
    const line = lineOf('cases.yaml', light);
    expect(text).toContain(
      `cases.yaml:${line}: ${light} expected allow got needs-approval by disruptive-needs-operator`,
    );
    expect(text).toMatch(/cases\.yaml:\d+: a drain asks one operator expected needs-approval by .* got allow/);
    expect(text).toMatch(/\d of \d+ cases are decided otherwise/);
  });

  it.each([
    ['is missing', () => rmSync(join(dir, 'cases.yaml')), 'cannot be read'],
    ['is empty', () => writeFileSync(join(dir, 'cases.yaml'), ''), 'is not usable'],
    [
      'holds no case',
      () =>
        writeFileSync(
          join(dir, 'cases.yaml'),
          readFileSync(join(dir, 'cases.yaml'), 'utf8').replace(/^cases:.*/ms, 'cases: []'),
        ),
      'Too small',
    ],
    ['is no YAML', () => writeFileSync(join(dir, 'cases.yaml'), 'a: [}'), 'is not usable'],
    ['is huge', () => writeFileSync(join(dir, 'cases.yaml'), '#'.repeat(1024 * 1024 + 1)), 'larger than 1024 KiB'],
    ['is a bomb', () => writeFileSync(join(dir, 'cases.yaml'), bomb), 'Excessive alias count'],
  ])('fails where cases.yaml %s', async (_what, breaks, message) => {
    breaks();
    const { code, text } = await ran('test');
    expect([code, text]).toEqual([2, expect.stringContaining(message)]);
  });
});

const bomb = [
  'a0: &a0 [x]',
  ...Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`),
].join('\n');

describe('policy explain', () => {
  const ana = ['--principal', 'ana', '--groups', 'operators', '--site', 'boston', '--cluster', 'prod'];

  it('says whose votes would do, how many, and which policy asks for them', async () => {
    const { code, text } = await ran('explain', ...ana, '--action', 'drainNode');
    expect(code).toBe(0);
    const line = lineOf('approvals.cedar', '@id("disruptive-needs-operator")');
    expect(text).toContain('decision needs votes');
    expect(text).toContain(`disruptive-needs-operator (approvals.cedar:${line}): takes capacity out of a cluster`);
    expect(text).toContain(
      '1 approval from operators or boston:operators, never of who asks, each good for 60 minutes',
    );
  });

  it('says how the votes of several groups are to be spread, and where they are taken', async () => {
    wantVotes('@approvals("2") @from("sre-leads, dc-ops") @distinct_groups("2") @tier("critical")');
    const { text } = await ran('explain', ...ana, '--action', 'drainNode');
    expect(text).toContain('2 approvals from different groups of sre-leads, dc-ops, on the approval page, never of');
    wantVotes('@approvals("3") @from("sre-leads, dc-ops") @distinct_groups("2")');
    expect((await ran('explain', ...ana, '--action', 'drainNode')).text).toContain(
      '3 approvals from at least 2 different groups of sre-leads, dc-ops, never of',
    );
  });

  it('says which policy permits it once the votes are in', async () => {
    const { text } = await ran('explain', ...ana, '--action', 'drainNode', '--cleared', 'disruptive-needs-operator');
    const line = lineOf('access.cedar', '@id("operators-change")');
    expect(text).toContain(`decision allowed Permitted by - operators-change (access.cedar:${line})`);
  });

  it('names every hard denial, and that no vote helps', async () => {
    const { text } = await ran('explain', ...ana, '--action', 'drainNode', '--quorum-lost', '--peak-unavailable', '3');
    expect(text).toContain('decision denied');
    expect(text).toMatch(/over-budget \(limits\.cedar:\d+\): more nodes would be down/);
    expect(text).toMatch(/quorum-lost \(limits\.cedar:\d+\): etcd would lose/);
    expect(text).toContain('No vote changes that');
  });

  it('says which group would make a difference where nothing permits it', async () => {
    const mia = ['--principal', 'mia', '--site', 'boston', '--cluster', 'prod'];
    expect((await ran('explain', ...mia, '--action', 'drainNode')).text).toContain(
      'host:no-permit: no policy permits this It depends on who asks: in operators it would need votes; in boston:operators it would need votes.',
    );
    expect((await ran('explain', ...mia, '--action', 'startPlan')).text).toContain(
      'in boston:operators it would be allowed',
    );
  });

  it('refuses an action that the schema does not know, and names those that it does', async () => {
    const { code, text } = await ran('explain', ...ana, '--action', 'explode');
    expect([code, text]).toEqual([2, expect.stringMatching(/has no action "explode" .* drainNode/)]);
  });

  it('asks for what it needs', async () => {
    expect(await ran('explain', '--action', 'drainNode')).toEqual({
      code: 2,
      text: expect.stringContaining('it takes --principal and --action, or --plan'),
    });
  });
});
