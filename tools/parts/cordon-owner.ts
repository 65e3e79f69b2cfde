/** Who cordoned a node, as far as the Node and our records tell. */
import { z } from 'zod';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { cordonOwner, cordonReason } from '../../src/core/cluster-marks.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { within } from './within.ts';

export const cordonOutput = z.object({
  by: z
    .enum(['operation', 'unknown operation', 'somebody else'])
    .describe('An operation on record here, a mark of ours that no record knows, or anybody without our mark'),
  operation: z.string().optional(),
  state: z.string().optional().describe('State of that operation now'),
  reason: z.string().optional().describe('Untrusted text from the annotation on the Node'),
});

export type CordonOwner = z.infer<typeof cordonOutput>;

/** Undefined where the node is not cordoned. */
export async function cordonOf(
  { records }: Pick<ToolContext, 'records'>,
  { unschedulable, annotations }: NodeFacts,
): Promise<CordonOwner | undefined> {
  if (!unschedulable) return undefined;
  const mark = annotations[cordonOwner];
  const reason = annotations[cordonReason];
  const told = reason === undefined ? {} : { reason };
  if (mark === undefined) return { by: 'somebody else', ...told };
  const operation = await within(() => records.operations.get(mark));
  if ('unknown' in operation) return { by: 'unknown operation', operation: mark, ...told };
  return { by: 'operation', operation: mark, state: operation.value.state, ...told };
}

/** In the words of a table cell; what no record knows is not repeated. */
export function cordonText({ by, operation, state }: CordonOwner): string {
  return by === 'operation'
    ? `by ${operation} (${state})`
    : by === 'unknown operation'
      ? 'by an unknown operation'
      : 'by somebody else';
}
