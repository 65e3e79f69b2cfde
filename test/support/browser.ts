/** A browser as far as pages without script need one: cookies per host, redirects, forms with their hidden fields. */
export type Shown = { url: URL; status: number; headers: Headers; html: string };

type Sending = { method: 'GET' | 'POST'; body?: URLSearchParams; headers?: Record<string, string> };

export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  /** Every address that it was led over. */
  readonly visited: string[] = [];

  /** Follows redirects to where they end, or to the first address that `until` is true of, which is not asked for. */
  async open(address: string, until: (url: URL) => boolean = () => false): Promise<Shown> {
    return this.#follow(new URL(address), { method: 'GET' }, until);
  }

  /** Fills in and sends the form of the page that leads to `action`. */
  async submit(shown: Shown, action: string, fields: Record<string, string>): Promise<Shown> {
    const form = shown.html.split('<form').find(part => part.includes(`action="${action}"`));
    if (form === undefined) throw new Error(`no form leads to ${action} on:\n${shown.html}`);
    const body = new URLSearchParams();
    for (const [, name = '', value = ''] of form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g))
      body.set(name, value);
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return this.post(new URL(action, shown.url), body);
  }

  /** As a page of this origin would send it, unless the headers say otherwise. */
  post(url: URL, body: URLSearchParams, headers: Record<string, string> = {}): Promise<Shown> {
    const own = { origin: url.origin, 'sec-fetch-site': 'same-origin', ...headers };
    return this.#follow(url, { method: 'POST', body, headers: own }, () => false);
  }

  cookie(host: string, name: string): string | undefined {
    return this.#cookies.get(host)?.get(name);
  }

  setCookie(host: string, name: string, value: string): void {
    this.#jar(host).set(name, value);
  }

  async #follow(start: URL, first: Sending, until: (url: URL) => boolean): Promise<Shown> {
    let [url, sending] = [start, first];
    for (let hops = 0; hops < 12; hops++) {
      this.visited.push(url.href);
      if (until(url)) return { url, status: 0, headers: new Headers(), html: '' };
      const jar = this.#jar(url.host);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, { ...sending, headers: { ...sending.headers, cookie }, redirect: 'manual' });
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';');
        const [name = '', value = ''] = pair.split(/=(.*)/s);
        if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
        else jar.set(name, value);
      }
      const location = answer.headers.get('location');
      if (location === null) return { url, status: answer.status, headers: answer.headers, html: await answer.text() };
      await answer.body?.cancel();
      [url, sending] = [new URL(location, url), { method: 'GET' }];
    }
    throw new Error(`too many redirects from ${start.href}`);
  }

  #jar(host: string): Map<string, string> {
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }
}
