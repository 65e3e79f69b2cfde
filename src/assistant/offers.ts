/** The tools of the catalog as a model is shown them. */
import { z } from 'zod';
import type { ToolOffer } from '../core/model.ts';
import type { Tool } from '../core/tool.ts';
import { descriptionOf, inputOf } from '../gateway/gateway.ts';

export function offerOf(tool: Tool): ToolOffer {
  const { $schema: _, ...input } = z.toJSONSchema(inputOf(tool), { io: 'input' });
  return { name: tool.name, description: descriptionOf(tool), input };
}
