/** A turn with the assistant as a stream of lines, so that people see what is read while it is read. */
import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import { FleetError } from '../../core/errors.ts';
import type { Caller } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { AskLine, AskRequest } from './api.ts';

/** Ends the turn when whoever asked is gone. Throws model_unavailable where no model is configured. */
export function askRoute({ assistant, log }: ServiceDoor, context: Context, question: AskRequest & { caller: Caller }) {
  if (assistant === undefined)
    throw new FleetError({
      code: 'model_unavailable',
      message: 'no language model is configured, so that nobody answers sentences',
      hint: 'commands work without one; to add one, set assistant.baseUrl and assistant.model in groundskeeper.yaml',
    });
  context.header('content-type', 'application/x-ndjson');
  return stream(context, async out => {
    const gone = new AbortController();
    out.onAbort(() => gone.abort());
    const tell = (line: AskLine) => out.writeln(JSON.stringify(line));
    try {
      const turn = await assistant.ask({ ...question, signal: gone.signal, onEvent: event => void tell(event) });
      await tell({ kind: 'end', turn });
    } catch (thrown) {
      const error = FleetError.from(thrown);
      if (error.code === 'internal') log.error({ error: thrown }, 'a question failed');
      await tell({ kind: 'error', error: error.toJSON() });
    }
  });
}
