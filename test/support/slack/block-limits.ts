/** What Slack refuses of blocks, as its reference gives it: a list of complaints, empty where it would take them. */

type Json = Record<string, unknown>;
type Surface = 'message' | 'modal' | 'home';

const mostBlocks: Record<Surface, number> = { message: 50, modal: 100, home: 100 };
/** Of all texts of a message together; Slack documents none, and answers msg_blocks_too_long a little above this. */
export const mostMessageCharacters = 13_000;

const blockTypes = new Set(
  'actions context divider file header image input markdown rich_text section table task_card plan'.split(' '),
);

/** Complaints in Slack's words, such as `must be less than 151 characters [json-pointer:/blocks/0/text/text]`. */
export function blockProblems(blocks: unknown, surface: Surface): string[] {
  if (!Array.isArray(blocks)) return ['must be an array [json-pointer:/blocks]'];
  const { problems, at } = complaints();
  if (blocks.length > mostBlocks[surface]) at('/blocks', `no more than ${mostBlocks[surface]} items allowed`);
  for (const [index, block] of blocks.entries()) checkBlock(block as Json, `/blocks/${index}`, surface);
  const ids = blocks.flatMap(({ block_id }: Json) => (typeof block_id === 'string' ? [block_id] : []));
  if (new Set(ids).size < ids.length) at('/blocks', 'block_id already exists');
  if (blocks.filter(({ type }: Json) => type === 'table').length > 1) at('/blocks', 'only_one_table_allowed');
  return problems;

  function checkBlock(block: Json, path: string, on: Surface) {
    const { type } = block;
    if (typeof type !== 'string' || !blockTypes.has(type)) return at(path, `unsupported type: ${String(type)}`);
    if (type === 'input' && on === 'message') at(path, 'unsupported type: input');
    within(block.block_id, 255, `${path}/block_id`, { optional: true });
    switch (type) {
      case 'header':
        return textObject(block.text, `${path}/text`, { most: 150, plain: true });
      case 'markdown':
        return within(block.text, 12_000, `${path}/text`);
      case 'section':
        return checkSection(block, path);
      case 'context':
        return checkMany(block.elements, 10, `${path}/elements`, (each, place) =>
          each.type === 'image' ? undefined : textObject(each, place, { most: 2000 }),
        );
      case 'actions':
        return checkMany(block.elements, 25, `${path}/elements`, checkElement);
      case 'input':
        textObject(block.label, `${path}/label`, { most: 2000, plain: true });
        return checkElement(block.element as Json, `${path}/element`);
      case 'rich_text':
        return checkMany(block.elements, 1000, `${path}/elements`, checkRich);
      case 'image':
        within(block.alt_text, 2000, `${path}/alt_text`);
        return within(block.image_url, 3000, `${path}/image_url`, { optional: true });
    }
  }

  function checkSection({ text, fields, accessory }: Json, path: string) {
    if (text === undefined && fields === undefined) at(path, 'missing required field: text');
    if (text !== undefined) textObject(text, `${path}/text`, { most: 3000 });
    if (fields !== undefined)
      checkMany(fields, 10, `${path}/fields`, (each, place) => textObject(each, place, { most: 2000 }));
    if (accessory !== undefined) checkElement(accessory as Json, `${path}/accessory`);
  }

  function checkElement(element: Json, path: string) {
    within(element?.action_id, 255, `${path}/action_id`, { optional: true });
    if (element?.type === 'button') {
      textObject(element.text, `${path}/text`, { most: 75, plain: true });
      within(element.value, 2000, `${path}/value`, { optional: true });
      within(element.url, 3000, `${path}/url`, { optional: true });
      if (![undefined, 'primary', 'danger'].includes(element.style as string))
        at(`${path}/style`, 'must be a valid enum');
    }
    const confirm = element?.confirm as Json | undefined;
    if (confirm === undefined) return;
    textObject(confirm.title, `${path}/confirm/title`, { most: 100, plain: true });
    textObject(confirm.text, `${path}/confirm/text`, { most: 300 });
    textObject(confirm.confirm, `${path}/confirm/confirm`, { most: 30, plain: true });
    textObject(confirm.deny, `${path}/confirm/deny`, { most: 30, plain: true });
  }

  function checkRich(element: Json, path: string) {
    if (!/^rich_text_(section|list|quote|preformatted)$/.test(String(element.type)))
      return at(path, `unsupported type: ${String(element.type)}`);
    checkMany(element.elements, 1000, `${path}/elements`, (each, place) => {
      if (element.type === 'rich_text_list') return checkRich(each, place);
      if (each.type === 'text') within(each.text, mostMessageCharacters, `${place}/text`);
      if (element.type === 'rich_text_preformatted' && !['text', 'link'].includes(String(each.type)))
        at(place, `unsupported type: ${String(each.type)}`);
    });
  }

  function checkMany(value: unknown, most: number, path: string, check: (each: Json, path: string) => void) {
    if (!Array.isArray(value) || value.length === 0) return at(path, 'no fewer than 1 items required');
    if (value.length > most) at(path, `no more than ${most} items allowed`);
    for (const [index, each] of value.entries()) check(each, `${path}/${index}`);
  }

  function textObject(value: unknown, path: string, { most, plain = false }: { most: number; plain?: boolean }) {
    const { type, text } = (value ?? {}) as Json;
    if (type !== 'plain_text' && (plain || type !== 'mrkdwn')) at(`${path}/type`, 'must be a valid text object');
    within(text, most, `${path}/text`);
  }

  function within(value: unknown, most: number, path: string, { optional = false } = {}) {
    if (value === undefined && optional) return;
    if (typeof value !== 'string') return at(path, 'must be a string');
    if (value.length === 0) at(path, 'must be more than 0 characters');
    if (value.length > most) at(path, `must be less than ${most + 1} characters`);
  }
}

/** What Slack refuses of a modal or a home tab. */
export function viewProblems(view: Json): string[] {
  const { problems, at } = complaints();
  const modal = view.type === 'modal';
  if (!modal && view.type !== 'home') at('/type', 'must be modal or home');
  for (const key of modal ? ['title', 'submit', 'close'] : []) {
    const { type, text } = (view[key] ?? {}) as Json;
    if (view[key] === undefined && key !== 'title') continue;
    if (type !== 'plain_text' || typeof text !== 'string' || text === '') at(`/${key}`, 'must be plain_text');
    else if (text.length > 24) at(`/${key}`, 'must be less than 25 characters');
  }
  for (const [key, most] of [
    ['private_metadata', 3000],
    ['callback_id', 255],
    ['external_id', 255],
  ] as const) {
    const text = view[key];
    if (typeof text === 'string' && text.length > most) at(`/${key}`, `must be less than ${most + 1} characters`);
  }
  return [...problems, ...blockProblems(view.blocks, modal ? 'modal' : 'home')];
}

/** All that people would read of it. */
export function charactersOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + charactersOf(each), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, each]) => sum + (key === 'text' && typeof each === 'string' ? each.length : charactersOf(each)),
    0,
  );
}

function complaints() {
  const problems: string[] = [];
  return { problems, at: (path: string, what: string) => void problems.push(`${what} [json-pointer:${path}]`) };
}
