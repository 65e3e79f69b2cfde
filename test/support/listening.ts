/** An HTTP server of our own handlers on a free port of loopback. */
import { serve } from '@hono/node-server';

export type Listening = { origin: string; close(): Promise<void> };

/** What `answer` leaves is 404. */
export function listening(answer: (request: Request) => Promise<Response | undefined>): Promise<Listening> {
  const fetch = async (request: Request) => (await answer(request)) ?? new Response(null, { status: 404 });
  return new Promise(resolve => {
    const server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      const close = () => new Promise<void>(done => server.close(() => done()));
      resolve({ origin: `http://127.0.0.1:${port}`, close });
    });
  });
}
