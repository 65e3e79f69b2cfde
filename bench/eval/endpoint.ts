/** Asks the endpoint for a word before anything is opened, so that what is wrong with it is told at once. */
import { openaiModel } from '../../src/adapters/llm/openai-model.ts';
import { parseIssuer } from '../../src/config/addresses.ts';
import { FleetError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Endpoint } from './scene.ts';

export type EndpointAsked = Omit<Endpoint, 'model'> & { model?: string };

const silenceMs = 60_000;

/** With its model, where it has only one and none was named. Throws invalid_input and model_unavailable. */
export async function reachable({ model: named, ...endpoint }: EndpointAsked): Promise<Endpoint> {
  const { baseUrl, keyEnv } = endpoint;
  if (parseIssuer(baseUrl) === undefined)
    throw invalid(
      `--endpoint ${baseUrl} is no https address, nor http on loopback`,
      'such as https://models.example/v1 or http://127.0.0.1:11434/v1',
    );
  const key = keyEnv === undefined ? undefined : process.env[keyEnv];
  if (keyEnv !== undefined && !key)
    throw invalid(`the variable ${keyEnv} is not set`, '--key-env names the variable that holds the key');
  const model = named ?? (await onlyModel(baseUrl, key));
  const probe = openaiModel({
    model,
    baseUrl,
    silenceMs,
    maxReplyTokens: 500,
    ...(key && { apiKey: new Secret(key) }),
  });
  try {
    await probe.reply({
      messages: [{ role: 'person', text: 'Say "ready".' }],
      tools: [],
      signal: AbortSignal.timeout(silenceMs),
    });
  } catch (thrown) {
    throw inOurFlags(FleetError.from(thrown));
  }
  return { ...endpoint, model };
}

async function onlyModel(baseUrl: string, key: string | undefined): Promise<string> {
  const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
  const answer = await fetch(`${baseUrl}/models`, { headers, signal: AbortSignal.timeout(silenceMs) }).catch(cause => {
    throw new FleetError({
      code: 'model_unavailable',
      message: `nothing answers at ${baseUrl}`,
      hint: 'see --endpoint',
      cause,
    });
  });
  if (answer.status === 401 || answer.status === 403)
    throw new FleetError({
      code: 'model_unavailable',
      message: `${baseUrl} refused our key (HTTP ${answer.status})`,
      hint: 'see --key-env',
    });
  const { data = [] } = (await answer.json().catch(() => ({}))) as { data?: { id: string }[] };
  const [only, ...others] = data.map(({ id }) => id);
  if (only !== undefined && others.length === 0) return only;
  throw invalid(
    only === undefined ? `${baseUrl} does not list its models` : `${baseUrl} has ${data.length} models`,
    `name one with --model${only === undefined ? '' : `: ${[only, ...others].slice(0, 10).join(', ')}`}`,
  );
}

/** The adapter tells where groundskeeper.yaml says it. */
function inOurFlags(error: FleetError): FleetError {
  const { code, message, hint, untrusted } = error;
  const flags = hint
    ?.replace('everything that is a command goes on without it; ', '')
    .replaceAll('assistant.baseUrl', '--endpoint')
    .replaceAll('assistant.apiKey', '--key-env')
    .replaceAll('assistant.model', '--model');
  const ours = code === 'timeout' ? `${message}: it said nothing for ${silenceMs / 1000} s` : message;
  return new FleetError({
    code,
    message: ours,
    ...(flags && { hint: flags }),
    ...(untrusted && { untrusted }),
    cause: error,
  });
}

function invalid(message: string, hint: string): FleetError {
  return new FleetError({ code: 'invalid_input', message, hint });
}
