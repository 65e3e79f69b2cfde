/** One server's life out of the custody log, from the service or, without any service, from an export that verifies. */
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import { Trail, type TrailSubject, verifyBundle } from '../../gateway/custody.ts';
import { type CommandContext, printBlocks, printJson } from './context.ts';
import { servedRows } from './custody-rows.ts';
import { reportVerdict } from './custody-verdict.ts';
import { lineCells, lineColumns, lineOf } from './trail-lines.ts';

export type TrailOptions = {
  server?: string;
  node?: string;
  operation?: string;
  bundle?: string;
  key?: string;
  json?: boolean;
};

/** Prints the trail; of a bundle that does not verify it prints what is wrong with it, and no trail. */
export async function showTrail(context: CommandContext, options: TrailOptions): Promise<void> {
  const subject = subjectOf(options);
  const trail = new Trail(subject);
  const { bundle, key } = options;
  if (bundle === undefined) {
    const client = await context.client();
    const { size } = await client.custodyHead();
    for await (const row of servedRows(client, 0, size)) trail.see(row);
  } else {
    const verdict = await verifyBundle(bundle, { verifierKey: key, see: row => trail.see(row) });
    if (!verdict.ok) return reportVerdict(context, verdict);
  }
  const entries = trail.entries();
  if (entries.length === 0) throw nothingOf(subject);
  const lines = entries.map(({ seq, entry }) => lineOf(seq, entry));
  const warnings = warningsOf(trail, subject);
  if (options.json) {
    const systems = trail.systems();
    return printJson(context, { subject, verifiedBy: verifiedBy(options), systems, warnings, lines });
  }
  printBlocks(context, [
    { table: { columns: lineColumns, rows: lines.map(lineCells) } },
    ...warnings.map((text): Block => ({ text, tone: 'warn' })),
    { text: `${lines.length} entries. ${provenance[verifiedBy(options)]}`, tone: 'muted' },
  ]);
}

function subjectOf({ server, node, operation }: TrailOptions): TrailSubject {
  const named: TrailSubject[] = [
    ...(server === undefined ? [] : [{ serial: server }]),
    ...(node === undefined ? [] : [{ node }]),
    ...(operation === undefined ? [] : [{ operation }]),
  ];
  const [subject] = named;
  if (subject && named.length === 1) return subject;
  throw new FleetError({ code: 'invalid_input', message: 'name exactly one of --server, --node and --operation' });
}

function nothingOf(subject: TrailSubject): FleetError {
  const [[kind, name] = ['', '']] = Object.entries(subject);
  return new FleetError({
    code: 'not_found',
    message: `the log holds nothing of ${kind} ${JSON.stringify(name.slice(0, 60))}`,
    hint: 'a trail begins with the first effect announced; serials and names are compared letter by letter',
  });
}

function warningsOf(trail: Trail, subject: TrailSubject): string[] {
  const systems = trail.systems();
  const shared = 'serial' in subject && systems.length > 1;
  return [
    ...(shared ? [`${systems.length} systems bear this serial: ${systems.join(', ')}. Tell them apart by node.`] : []),
    ...(trail.unreadable > 0 ? [`${trail.unreadable} rows of the log are no entries and may belong here.`] : []),
  ];
}

function verifiedBy({ bundle, key }: TrailOptions): keyof typeof provenance {
  if (bundle === undefined) return 'nothing';
  return key === undefined ? 'enclosed key' : 'given key';
}

const provenance = {
  nothing: 'As the service tells it: "custody verify" proves it.',
  'enclosed key': 'The export verifies by the key that came with it, which proves only that it agrees with itself.',
  'given key': 'The export verifies by the given key.',
};
