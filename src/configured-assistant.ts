/** The assistant as the configuration describes it; nobody where no model is named. */
import { createAssistant } from './assistant/assistant.ts';
import { turnLimits } from './assistant/budget.ts';
import { loadPrompt } from './assistant/prompts.ts';
import type { Config } from './config.ts';
import type { ConversationStore } from './core/conversation.ts';
import type { Assistant } from './core/talk.ts';
import type { Tool } from './core/tool.ts';
import type { Gateway } from './gateway/gateway.ts';

const charactersOfToken = 4;

export async function configuredAssistant(
  config: Config,
  parts: { gateway: Gateway; catalog: Tool[]; store: ConversationStore; redact(text: string): string },
): Promise<Assistant | undefined> {
  if (config.assistant === undefined) return undefined;
  const { openaiModel } = await import('./adapters/llm/openai-model.ts'); // heavy, and for most without use
  const { scope, ceilings, contextTokens, ...model } = config.assistant;
  return createAssistant({
    ...parts,
    model: openaiModel(model),
    prompt: await loadPrompt('system'),
    digestPrompt: await loadPrompt('digest'),
    scope,
    ceilings,
    limits: turnLimits,
    contextSize: (contextTokens - model.maxReplyTokens) * charactersOfToken,
  });
}
