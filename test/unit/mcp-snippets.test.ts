/** What people paste into their editors from `docs/mcp.md` and the README: it parses, and what it names is there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> };

const local = z.strictObject({
  type: z.literal('stdio').optional(),
  command: z.enum(['node', 'npx']),
  args: z.array(z.string()).min(2),
});
const remote = z
  .object({ type: z.literal('http').optional() })
  .and(z.union([z.object({ url: z.url() }), z.object({ serverUrl: z.url() })]));
const servers = z.strictObject({ groundskeeper: z.union([local, remote]) });
/** One for each name under which some editor looks for servers. */
const snippet = z.union(['mcpServers', 'servers', 'context_servers'].map(name => z.strictObject({ [name]: servers })));

type Local = z.infer<typeof local>;
type Remote = z.infer<typeof remote>;

function entries(file: string): (Local | Remote)[] {
  const blocks = [...read(file).matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => text);
  return blocks
    .filter(text => /"(mcpServers|servers|context_servers)"/.test(text))
    .map(text => Object.values(snippet.parse(JSON.parse(text)))[0]?.groundskeeper as Local | Remote);
}

const docs = entries('docs/mcp.md');
const all = [...docs, ...entries('README.md')];
const isLocal = (entry: Local | Remote): entry is Local => 'command' in entry;

describe('snippets for editors', () => {
  it('are there for both ways', () => {
    expect([docs.filter(isLocal).length, docs.filter(entry => !isLocal(entry)).length]).toEqual([3, 6]);
  });

  it('over HTTP name the address that is served', () => {
    for (const entry of all)
      if (!isLocal(entry)) expect(new URL('url' in entry ? entry.url : entry.serverUrl).pathname).toBe('/mcp');
  });

  it('on stdio name a program and a command that are there', async () => {
    const commands = all.filter(isLocal).map(({ command, args: [program = '', ...rest] }) => {
      const [name, file] = Object.entries(bin)[0] ?? [];
      if (command === 'npx') expect(program).toBe(name);
      else expect(program).toBe(`/opt/groundskeeper/${file}`);
      return rest.join(' ');
    });
    expect([...new Set(commands)]).toEqual(['mcp']);
    const program = fileURLToPath(new URL(bin.groundskeeper ?? '', root));
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'mcp', '--help']);
    expect(stdout).toContain('MCP client on stdin and stdout');
  });
});
