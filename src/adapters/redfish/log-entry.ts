/** One entry of a log, as the rest of the program sees it. */
import type { z } from 'zod';
import type { HealthLevel, LogEntry } from '../../core/bmc.ts';
import { storable } from '../../core/storable.ts';
import { healthLevel, timeFact } from './facts.ts';
import { lastSegment } from './links.ts';
import type { logEntry } from './schema.ts';

const longest = 500;

export type Listing = { uri: string; inline: z.infer<typeof logEntry> };

/** Whether the list itself says what the entry says. */
export function isTold({ inline }: Listing): boolean {
  return inline.Message !== undefined || inline.Created !== undefined;
}

export function entryOf({ uri, inline }: Listing): LogEntry {
  const { Id, Created, Severity, MessageSeverity, Message } = inline;
  return {
    id: kept(Id ?? lastSegment(uri)),
    created: timeFact(Created, 'time of the entry'),
    severity: severityOf(MessageSeverity ?? Severity),
    message: kept(Message ?? ''),
  };
}

function kept(written: string): string {
  return storable(written.slice(0, longest));
}

/** An entry without a severity that we know counts as a warning: unknown is never shown as healthy. */
function severityOf(value: string | null | undefined): HealthLevel {
  if (/^(informational|repaired)$/i.test(value ?? '')) return 'ok';
  return healthLevel(value) ?? 'warning';
}

export function byAge(a: LogEntry, b: LogEntry): number {
  return timeOf(b) - timeOf(a) || idNumber(b.id) - idNumber(a.id);
}

function timeOf(entry: LogEntry): number {
  return 'value' in entry.created ? Date.parse(entry.created.value) : 0;
}

export function idNumber(id: string): number {
  const digits = /(\d+)$/.exec(id);
  return digits === null ? 0 : Number(digits[1]);
}
