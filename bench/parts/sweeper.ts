/** A process that reads every BMC with the product's own client, as its sampler does, and does nothing else. */
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmcs, SessionLedger } from '../../src/core/bmc.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import type { LabBmc } from './bmc-lab.ts';
import { serve } from './messages.ts';

type Open = { bmcs: LabBmc[]; account: { username: string; password: string } };
/** Of all samples together. */
export type Swept = { samples: number; failed: number; readings: number; unread: number };
export type Used = { cpuMs: number; mostRss: number; rss: number };

/** The product spreads its looks over a minute, and has no more of so many BMCs under way. */
const atOnce = 512;
let bmcs: Bmcs | undefined;
let nodes: string[] = [];

const answers = {
  open({ bmcs: given, account }: Open): void {
    nodes = given.map(({ url }) => url);
    const access = given.map(({ url, spki }) => ({ node: url, url, spki, ...account }));
    bmcs = openBmcs({ bmcs: access, ledger: ledger() });
  },

  /** One sample of every server. */
  async sweep(): Promise<Swept> {
    const swept: Swept = { samples: 0, failed: 0, readings: 0, unread: 0 };
    const read = async (node: string) => {
      try {
        const sample = await bmcs?.of(node).sample();
        if (sample !== undefined) count(swept, sample);
      } catch {
        swept.failed++;
      }
    };
    const next = nodes.values();
    const keepReading = async () => {
      for (const node of next) await read(node);
    };
    await Promise.all(Array.from({ length: atOnce }, keepReading));
    return swept;
  },

  used(): Used {
    const { user, system } = process.cpuUsage();
    const mostRss = process.resourceUsage().maxRSS * 1024;
    return { cpuMs: (user + system) / 1000, mostRss, rss: process.memoryUsage().rss };
  },

  /** A log-out that was lost is sent again, as the product does at its next start; answers how often it was. */
  async close(): Promise<number> {
    for (let again = 0; ; again++) {
      try {
        await bmcs?.end();
        return again;
      } catch (error) {
        if (again === 3) throw error;
      }
    }
  },
};

export type Sweeper = typeof answers;

/** A part that a BMC does not have at all is neither a reading nor unread. */
function count(swept: Swept, sample: HealthSample): void {
  swept.samples++;
  for (const part of [sample.temperatures, sample.fans, sample.powerSupplies, sample.memory, sample.drives]) {
    if ('value' in part) swept.readings += part.value.length;
    else swept.unread++;
  }
}

/** The product's is a table in its database; this one costs as good as nothing. */
function ledger(): SessionLedger {
  const open = new Map<string, { bmcUrl: string; sessionUri: string }>();
  return {
    opened: async (bmcUrl, sessionUri) => void open.set(`${bmcUrl}${sessionUri}`, { bmcUrl, sessionUri }),
    closed: async (bmcUrl, sessionUri) => void open.delete(`${bmcUrl}${sessionUri}`),
    list: async () => [...open.values()],
  };
}

serve(answers);
