/** Pages of ours as PNG, each as tall as it is, by whatever Chromium the machine has (`apt-get install chromium pngquant`). */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export type Camera = {
  /** Cut off below `tallest` pixels of the page. */
  shoot(html: string, to: { file: string; tallest: number }): Promise<void>;
  close(): Promise<void>;
};

type Answer = { id?: number; result?: Record<string, unknown>; error?: { message: string } };

const chromium = process.env.CHROMIUM ?? 'chromium';
const quiet = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-port=0'];
const mostColors = '64';
const run = promisify(execFile);

export async function openCamera({ width, zoom }: { width: number; zoom: number }): Promise<Camera> {
  const profile = await mkdtemp(join(tmpdir(), 'gk-camera-'));
  const browser = spawn(chromium, [...quiet, `--user-data-dir=${profile}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(browser, 'exit');
  const socket = new WebSocket(await debuggerOf(browser.stderr));
  await once(socket, 'open');
  let calls = 0;

  /** A command of the Chrome DevTools Protocol. */
  async function call(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++calls;
    const answered = Promise.withResolvers<Answer>();
    const hear = ({ data }: MessageEvent) => {
      const answer: Answer = JSON.parse(String(data));
      if (answer.id === id) answered.resolve(answer);
    };
    socket.addEventListener('message', hear);
    socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    const { result, error } = await answered.promise.finally(() => socket.removeEventListener('message', hear));
    if (result === undefined) throw new Error(`Chromium refused ${method}: ${error?.message}`);
    return result;
  }

  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = (await call('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
  const inPage = (method: string, params: object) => call(method, params, sessionId);
  await inPage('Emulation.setDeviceMetricsOverride', { width, height: 600, deviceScaleFactor: zoom, mobile: false });
  const { frameTree } = (await inPage('Page.getFrameTree', {})) as { frameTree: { frame: { id: string } } };

  return {
    async shoot(html, { file, tallest }) {
      await inPage('Page.setDocumentContent', { frameId: frameTree.frame.id, html });
      const expression = `Promise.all([...document.images].map(image => image.decode())).then(() => Math.ceil(document.body.offsetHeight))`;
      const measured = await inPage('Runtime.evaluate', { expression, awaitPromise: true });
      const { value } = measured.result as { value: number };
      const clip = { x: 0, y: 0, width, height: Math.min(value, tallest), scale: 1 };
      const { data } = await inPage('Page.captureScreenshot', { clip, captureBeyondViewport: true });
      await writeFile(file, Buffer.from(String(data), 'base64'));
      await run('pngquant', ['--force', '--strip', '--speed', '1', '--output', file, mostColors, file]);
    },
    async close() {
      browser.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function debuggerOf(told: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: told })) {
    const url = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('Chromium ended before it listened');
}
