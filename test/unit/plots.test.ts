/** Plots are a function of their facts, and text in them is text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/core/document.ts';
import { type NodeState, nodeStates } from '../../src/core/operation.ts';
import {
  type HistoryPicture,
  historiesIn,
  type Picture,
  type RolloutPicture,
  rolloutPicture,
} from '../../src/core/picture.ts';
import { drawPicture } from '../../src/surfaces/plots/draw-picture.ts';
import { pictureSvg } from '../../src/surfaces/plots/picture-svg.ts';

const start = Date.parse('2026-11-01T04:00:00Z'); // Boston's clocks go back two hours later
const minute = 60_000;
const at = (minutes: number) => new Date(start + minutes * minute).toISOString();

function history(values: (number | null)[], more: Partial<HistoryPicture> = {}): HistoryPicture {
  const points = values.map((mean, index) => ({
    at: at(index * 10),
    low: mean === null ? null : mean - 1,
    mean,
    high: mean === null ? null : mean + 1,
  }));
  const place = { title: 'Inlet of bos-w-1', timeZone: 'America/New_York' };
  return { kind: 'history', ...place, unit: '°C', stepMs: 10 * minute, points, limits: [], ...more };
}

function rollout(states: NodeState[], more: Partial<RolloutPicture> = {}): RolloutPicture {
  const nodes = states.map((state, index) => ({
    node: `bos-w-${index}`,
    wave: index === 0 ? 1 : 2,
    state,
    ...(state !== 'waiting' && state !== 'skipped' && { from: at(index), to: at(index + 5) }),
  }));
  const place = { title: 'firmware-rollout in boston', timeZone: 'America/New_York' };
  return { kind: 'rollout', ...place, from: at(0), to: at(30), nodes, marks: [], ...more };
}

function compliance(sites: [string, number, number, number][]): Picture {
  const rows = sites.map(([site, wanted, other, unknown]) => ({ site, wanted, other, unknown }));
  return { kind: 'compliance', title: 'Firmware', timeZone: 'UTC', at: at(0), sites: rows };
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);
/** Every opening tag but those of text, without what its attributes say: what is drawn, whatever the words are. */
const drawn = (svg: string) => [...svg.matchAll(/<(\/?[a-z]+)/gi)].map(([, tag]) => tag);

describe('a plot', () => {
  it.each([
    history([20, 22, null, 24], { limits: [{ name: 'critical', at: 40 }] }),
    rollout([...nodeStates], { marks: [{ at: at(3), text: 'night-shift paused it' }] }),
    compliance([['boston', 3, 1, 1]]),
  ])('is the same bytes for the same facts, whatever was drawn before: $kind', picture => {
    const once = pictureSvg(picture);
    pictureSvg(rollout(['done']));
    expect(pictureSvg(structuredClone(picture))).toBe(once);
    expect(once).not.toMatch(/zr\d/);
  });

  it('shows words of machines as words, whatever they are', () => {
    const calm = drawn(pictureSvg(rollout(['failed'], { title: 'x', marks: [{ at: at(1), text: 'x' }] })));
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        '</text><script>alert(1)</script>',
        '&',
        '&lt;',
        ']]>',
        '{a|b}',
        '"/>',
        '\ufffe',
        '\u202e',
        '__proto__',
      ),
    );
    fc.assert(
      fc.property(nasty, nasty, nasty, (node, title, text) => {
        const facts = rollout(['failed'], { title: `t${title}`, marks: [{ at: at(1), text: `m${text}` }] });
        const svg = pictureSvg({ ...facts, nodes: facts.nodes.map(each => ({ ...each, node: `n${node}` })) });
        expect(drawn(svg)).toEqual(calm);
        expect(svg.isWellFormed()).toBe(true);
        expect(svg).not.toMatch(/[^\P{Cc}\n]|[\ufffe\uffff]/u);
        expect(svg).not.toMatch(/<script|<\/text><[^/tgp]|&(?!amp;|lt;|gt;|quot;|#)/);
      }),
      { numRuns: 25 },
    );
    const shown = texts(
      pictureSvg(
        compliance([
          ['</text><script>', 1, 0, 0],
          ['a & b', 0, 1, 0],
        ]),
      ),
    );
    expect(shown).toContain('&lt;/text&gt;&lt;script&gt;');
    expect(shown).toContain('a &amp; b');
  });

  it.each([history([]), history([null, null]), rollout([]), compliance([])])(
    'says that there is nothing where there is nothing: $kind',
    picture => expect(texts(pictureSvg(picture)).join()).toContain('no data'),
  );

  it('is a PNG of twice its size, whatever its words are, drawn in a thread that ends', async () => {
    const marks = [{ at: at(1), text: '</text> & \ufffe' }];
    const png = Buffer.from(await drawPicture(rollout(['failed'], { title: '\u{10000}'.repeat(40), marks })));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(1440);
  });
});

describe('a history', () => {
  const mean = 'stroke="#0072b2"';
  const pathOf = (svg: string) => new RegExp(`<path d="([^"]*)"[^>]*${mean}`).exec(svg)?.[1] ?? '';

  it('leaves gaps where nothing was read, and says so', () => {
    const whole = pictureSvg(history([20, 20, 20, 20]));
    const broken = pictureSvg(history([20, null, null, 20]));
    expect(pathOf(whole).match(/M/g)).toHaveLength(1);
    expect(pathOf(broken).match(/M/g)).toHaveLength(2);
    expect(texts(broken)).toContain('not read');
    expect(texts(whole)).not.toContain('not read');
  });

  it('has its limits in sight, in its unit, and the clock of its place over a change of the clocks', () => {
    const svg = pictureSvg(history(Array(24).fill(20), { limits: [{ name: 'critical', at: 47 }] }));
    expect(texts(svg)).toContain('critical 47 °C');
    expect(texts(svg)).toContain('2026-11-01 00:00 to 03:00, America/New_York');
    const scale = texts(svg)
      .filter(text => /^\d+$/.test(text))
      .map(Number);
    expect(Math.max(...scale)).toBeGreaterThanOrEqual(47);
    expect(texts(svg).filter(text => text === '01:00')).toHaveLength(2);
  });

  it('is found in an answer under its heading', () => {
    const plot = {
      unit: 'W',
      stepMs: 1000,
      points: [{ at: at(0), low: 1, mean: 2, high: 3 }],
      timeZone: 'Asia/Kolkata',
    };
    const blocks: Block[] = [{ heading: 'Power of bos-w-1' }, { plot }, { text: 'else' }];
    expect(historiesIn(blocks)).toMatchObject([
      { title: 'Power of bos-w-1', timeZone: 'Asia/Kolkata', unit: 'W', limits: [], points: plot.points },
    ]);
  });
});

describe('a timeline', () => {
  it('has a bar for each node that began, a word for each that is not well, and its waves', () => {
    const svg = pictureSvg(rollout(['done', 'failed', 'skipped'], { marks: [{ at: at(9), text: 'halted: why' }] }));
    expect(texts(svg)).toEqual(expect.arrayContaining(['bos-w-1', 'failed', 'skipped', 'wave 1', 'wave 2']));
    expect(texts(svg).filter(text => text === 'failed')).toHaveLength(2); // beside the bar and among the colours
    expect(texts(svg)).toContain('1  00:09  halted: why');
  });

  it('tells of an operation when it began, who held it, and why it ended', () => {
    const node = (name: string, state: NodeState, begunAt?: string) => ({
      node: name,
      wave: 1,
      state,
      updatedAt: at(4),
      ...(begunAt !== undefined && { begunAt }),
    });
    const head = { kind: 'drain', site: 'boston', cluster: 'boston', createdAt: at(0), endedAt: at(9) };
    const nodes = [node('a', 'failed', at(1)), node('b', 'skipped')];
    const told = { ...head, state: 'halted', reason: 'a failed', nodes };
    const event = { seq: 1, step: 'operation', status: 'progress' as const };
    const events = [
      { ...event, time: at(2), message: 'ana paused it' },
      { ...event, time: at(3), node: 'a', message: 'a step of a node' },
    ];
    expect(rolloutPicture(told, { timeZone: 'UTC', events })).toMatchObject({
      title: 'drain in boston: halted',
      from: at(0),
      to: at(9),
      nodes: [
        { node: 'a', from: at(1), to: at(4) },
        { node: 'b', state: 'skipped' },
      ],
      marks: [
        { at: at(2), text: 'ana paused it' },
        { at: at(9), text: 'halted: a failed' },
      ],
    });
  });
});
