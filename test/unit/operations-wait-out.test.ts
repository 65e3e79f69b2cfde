/** What tells from when on it may pass is waited out, within limits; what tells nothing fails as it always did. */
import { describe, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import { waitFor } from '../../src/operations/wait.ts';
import { waitOut } from '../../src/operations/wait-out.ts';

const soonMs = 60;

function resting(afterMs?: number): FleetError {
  const after = afterMs === undefined ? undefined : new Date(Date.now() + afterMs).toISOString();
  return new FleetError({ code: 'bmc_unreachable', retry: 'later', message: 'log-ins rest', ...(after && { after }) });
}

/** Fails with these, one after the other, then answers. */
function failing(failures: FleetError[]) {
  const asked: number[] = [];
  const act = async () => {
    asked.push(Date.now());
    const failure = failures[asked.length - 1];
    if (failure) throw failure;
    return 'done';
  };
  return { asked, act };
}

const failure = (end: Promise<unknown>): Promise<FleetError> =>
  end.then(
    () => Promise.reject(new Error('passed')),
    error => error,
  );

describe('an act that is told to rest', () => {
  const within = { everyMs: 5, tell: async () => {} };

  it('is done again, not before that time, and says once why it waits', async () => {
    const [later, now] = [resting(soonMs), resting(0)];
    const { asked, act } = failing([later, now]);
    const told: string[] = [];
    const by = Date.now() + 10_000;
    const tell = async ({ message }: FleetError) => void told.push(message);
    expect(await waitOut({ ...within, act, by, tell })).toBe('done');
    expect([asked.length, told]).toEqual([3, ['log-ins rest', 'log-ins rest']]);
    expect(asked[1]).toBeGreaterThan(Date.parse(later.after ?? ''));
  });

  it.each([
    ['tells no time', undefined],
    ['would rest for longer than it may take', 20_000],
  ])('fails at once where it %s', async (_, afterMs) => {
    const thrown = resting(afterMs);
    const { asked, act } = failing([thrown]);
    expect(await failure(waitOut({ ...within, act, by: Date.now() + 10_000 }))).toBe(thrown);
    expect(asked).toHaveLength(1);
  });

  it('is not done again once nobody wants it', async () => {
    const { asked, act } = failing([resting(5_000)]);
    const stopped = waitOut({ ...within, act, by: Date.now() + 10_000, stopReason: async () => 'cancelled' });
    expect(await failure(stopped)).toMatchObject({ code: 'stopped', message: expect.stringContaining('cancelled') });
    expect(asked).toHaveLength(1);
  });
});

describe('a look that is told to rest beyond the deadline', () => {
  const wait = (act: () => Promise<string>, byMs: number) =>
    waitFor({ what: 'it', everyMs: 5, by: Date.now() + byMs, look: async () => ({ value: await act() }) });

  it('still gets its chance', async () => {
    const until = Date.now() + soonMs;
    const act = async () => {
      if (Date.now() < until) throw resting(until - Date.now());
      return 'seen';
    };
    expect(await wait(act, 20)).toBe('seen');
  });

  it('gets no second one', async () => {
    const begun = Date.now();
    const act = async () => {
      throw resting(soonMs);
    };
    expect(await failure(wait(act, 20))).toMatchObject({ code: 'timeout' });
    expect(Date.now() - begun).toBeGreaterThan(soonMs);
  });

  it('and one that tells no time does not', async () => {
    const looks: number[] = [];
    const act = async () => {
      looks.push(Date.now());
      throw resting();
    };
    const by = Date.now() + 20;
    expect(await failure(wait(act, 20))).toMatchObject({ code: 'timeout' });
    // The one that was waited for when the deadline came, however late it is.
    expect(looks.filter(at => at > by + 1).length).toBeLessThanOrEqual(1);
  });
});
