/** What may be answered from memory, and when a BMC's ETags are believed no more. */
import { expect, test } from 'vitest';
import { EtagCache, EtagRoom } from '../../src/adapters/redfish/etag-cache.ts';
import type { WireAnswer } from '../../src/adapters/redfish/transport.ts';

type Service = { status?: number; etag?: string; body: string };

function answerOf({ status = 200, etag, body }: Service): WireAnswer {
  return { status, header: name => (name === 'etag' ? etag : undefined), bytes: Buffer.from(body) };
}

/** A resource that honours If-None-Match, and what was asked of it. */
function resource(service: Service) {
  const asked: (string | undefined)[] = [];
  const send = async (headers: Record<string, string>) => {
    const condition = headers['if-none-match'];
    asked.push(condition);
    return condition !== undefined && condition === service.etag
      ? answerOf({ status: 304, body: '' })
      : answerOf(service);
  };
  return { service, asked, send };
}

const text = (answer: WireAnswer) => `${answer.status} ${answer.bytes}`;

test('an unchanged resource is asked for on condition, and a changed one comes whole', async () => {
  const cache = new EtagCache(() => 0, new EtagRoom());
  const { service, asked, send } = resource({ etag: '"a"', body: 'one' });
  expect(text(await cache.read('/x', send))).toBe('200 one');
  expect(text(await cache.read('/x', send))).toBe('200 one');
  Object.assign(service, { etag: '"b"', body: 'two' });
  expect(text(await cache.read('/x', send))).toBe('200 two');
  expect(asked).toEqual([undefined, '"a"', '"a"']);
});

test('without an ETag nothing is held', async () => {
  const cache = new EtagCache(() => 0, new EtagRoom());
  const { asked, send } = resource({ body: 'one' });
  await cache.read('/x', send);
  await cache.read('/x', send);
  expect(asked).toEqual([undefined, undefined]);
});

test('one ETag for two bodies is found out within ten minutes, and then no answer comes from memory', async () => {
  let now = 0;
  const cache = new EtagCache(() => now, new EtagRoom());
  const { service, asked, send } = resource({ etag: '"always"', body: 'one' });
  await cache.read('/x', send);
  service.body = 'two';
  expect(text(await cache.read('/x', send))).toBe('200 one');
  now = 10 * 60_000;
  expect(text(await cache.read('/x', send))).toBe('200 two');
  service.body = 'three';
  expect(text(await cache.read('/x', send))).toBe('200 three');
  expect(asked).toEqual([undefined, '"always"', undefined, undefined]);
});

test('a BMC that cannot bear the condition is asked without it, once more and from then on', async () => {
  const cache = new EtagCache(() => 0, new EtagRoom());
  const asked: (string | undefined)[] = [];
  const send = async (headers: Record<string, string>) => {
    asked.push(headers['if-none-match']);
    return headers['if-none-match'] === undefined
      ? answerOf({ etag: '"a"', body: 'one' })
      : answerOf({ status: 412, body: 'no' });
  };
  for (let turn = 0; turn < 3; turn++) expect(text(await cache.read('/x', send))).toBe('200 one');
  expect(asked).toEqual([undefined, '"a"', undefined, undefined]);
});

test('what is held stays within its bytes: the least recently used goes first', async () => {
  const cache = new EtagCache(() => 0, new EtagRoom());
  const big = resource({ etag: '"a"', body: 'x'.repeat(50 * 1024) });
  for (const path of ['/1', '/2', '/3', '/4', '/5']) await cache.read(path, big.send);
  await cache.read('/1', big.send);
  await cache.read('/6', big.send);
  big.asked.length = 0;
  await cache.read('/1', big.send);
  await cache.read('/2', big.send);
  expect(big.asked).toEqual(['"a"', undefined]);
});

test('all BMCs share one room: once it is full, what is held stays and the rest comes whole each time', async () => {
  const room = new EtagRoom(100);
  const [one, other] = [new EtagCache(() => 0, room), new EtagCache(() => 0, room)];
  const first = resource({ etag: '"a"', body: 'x'.repeat(80) });
  const second = resource({ etag: '"b"', body: 'x'.repeat(40) });
  for (let turn = 0; turn < 2; turn++) {
    await one.read('/x', first.send);
    await other.read('/x', second.send);
  }
  expect(first.asked).toEqual([undefined, '"a"']);
  expect(second.asked).toEqual([undefined, undefined]);
  Object.assign(first.service, { etag: '"c"', body: 'short' });
  await one.read('/x', first.send);
  for (let turn = 0; turn < 2; turn++) await other.read('/x', second.send);
  expect(second.asked.slice(2)).toEqual([undefined, '"b"']);
});
