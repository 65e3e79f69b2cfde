/** What came over the wire, put together: pieces of calls by their index, and the reason why it ended. */
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { Tokens } from '../../core/model.ts';

export type RawCall = { tool: string; input: string };
/** `end` is undefined where nobody said that the reply is complete: it was cut. */
export type RawReply = { text: string; calls: RawCall[]; end?: string; tokens?: Tokens };

type Piece = { index?: number; id?: string; function?: { name?: string; arguments?: string } };
type Open = RawCall & { index: number | undefined; id: string | undefined };

/** `onPiece` hears of each chunk, of those without words too. What came stands in `reply` also where the stream breaks. */
export async function readStream(
  stream: AsyncIterable<ChatCompletionChunk>,
  reply: RawReply,
  onPiece: (text: string) => void,
): Promise<RawReply> {
  const open: Open[] = [];
  reply.calls = open;
  for await (const chunk of stream) {
    const [choice] = chunk.choices ?? [];
    const text = choice?.delta?.content ?? '';
    reply.text += text;
    onPiece(text);
    for (const piece of (choice?.delta?.tool_calls ?? []) as Piece[]) add(open, piece);
    reply.end = choice?.finish_reason ?? reply.end;
    reply.tokens = tokensOf(chunk.usage) ?? reply.tokens;
  }
  return { ...reply, calls: open.map(({ tool, input }) => ({ tool, input })) };
}

/** Whatever is no completion reads as one that was cut. */
export function readWhole(completion: ChatCompletion): RawReply {
  const [choice] = completion?.choices ?? [];
  const calls = (choice?.message?.tool_calls ?? []) as Piece[];
  return {
    text: choice?.message?.content ?? '',
    calls: calls.map(call => ({ tool: call.function?.name ?? '', input: argumentsOf(call) })),
    end: choice?.finish_reason ?? undefined,
    tokens: tokensOf(completion?.usage),
  };
}

/** Four characters to a token: rough, and never nothing. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4) + 1;
}

/** A new call begins at a new index, and where one index names a second call. */
function add(open: Open[], piece: Piece): void {
  const known = open.findLast(call => call.index === piece.index);
  const name = piece.function?.name ?? '';
  const another = name !== '' && known !== undefined && (piece.id === undefined || piece.id !== known.id);
  if (known === undefined || (another && known.tool !== '')) {
    open.push({ index: piece.index, id: piece.id, tool: name, input: argumentsOf(piece) });
    return;
  }
  known.tool += name;
  known.input += argumentsOf(piece);
}

/** Some servers send the arguments as an object. */
function argumentsOf({ function: called }: Piece): string {
  const given: unknown = called?.arguments;
  return typeof given === 'object' && given !== null ? JSON.stringify(given) : String(given ?? '');
}

function tokensOf(
  usage: { prompt_tokens?: number; completion_tokens?: number } | null | undefined,
): Tokens | undefined {
  const { prompt_tokens: input, completion_tokens: output } = usage ?? {};
  return typeof input === 'number' && typeof output === 'number' ? { input, output } : undefined;
}
