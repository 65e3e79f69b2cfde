/** So many at once, the urgent first. */
import { expect, test } from 'vitest';
import { Lane } from '../../src/adapters/redfish/lane.ts';

/** Jobs that end when told to, and the order in which they began. */
function jobs(lane: Lane) {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const results: Promise<string>[] = [];
  const ask = (name: string, urgency = 0) => {
    const end = Promise.withResolvers<void>();
    ends.set(name, end);
    const job = async () => {
      begun.push(name);
      await end.promise;
      return name;
    };
    results.push(lane.run(urgency, job));
  };
  return {
    begun,
    ask,
    results,
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('no more than its places begin; then the most urgent, and of equals the one that waited longest', async () => {
  const { begun, ask, results, end } = jobs(new Lane(2));
  for (const [name, urgency] of [
    ['a', 8],
    ['b', 8],
    ['c', 8],
    ['d', 8],
    ['e', 2],
    ['f', 0],
    ['g', 2],
  ] as const)
    ask(name, urgency);
  await turn();
  expect(begun).toEqual(['a', 'b']);
  for (const name of ['b', 'f', 'e', 'g', 'a', 'c', 'd']) {
    end(name);
    await turn();
  }
  expect(begun).toEqual(['a', 'b', 'f', 'e', 'g', 'c', 'd']);
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

test('a job that fails gives its place back and passes its error on', async () => {
  const { begun, ask, results, end, fail } = jobs(new Lane(1));
  ask('a');
  ask('b');
  fail('a');
  await expect(results[0]).rejects.toThrow('a');
  await turn();
  expect(begun).toEqual(['a', 'b']);
  end('b');
  expect(await results[1]).toBe('b');
});

test('more places are taken at once; fewer let what runs end', async () => {
  const lane = new Lane(1);
  const { begun, ask, end } = jobs(lane);
  for (const name of ['a', 'b', 'c', 'd']) ask(name);
  lane.resize(3);
  await turn();
  expect(begun).toEqual(['a', 'b', 'c']);
  lane.resize(1);
  end('a');
  end('b');
  await turn();
  expect(begun).toHaveLength(3);
  end('c');
  await turn();
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
});
