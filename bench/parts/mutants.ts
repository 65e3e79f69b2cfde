/** Small wrongs that somebody might write: each is one edit of a source file, found by its syntax. */
import ts from 'typescript';

export type Mutant = {
  /** Offsets in the text of the file. */
  from: number;
  to: number;
  text: string;
  line: number;
  /** What was done, such as `< → <=`. */
  what: string;
};

type Edit = { node: { pos: number; end: number }; text: string; what: string };

const { SyntaxKind: kind } = ts;
const swaps = new Map<ts.SyntaxKind, string[]>([
  [kind.LessThanToken, ['<=', '>=']],
  [kind.LessThanEqualsToken, ['<', '>']],
  [kind.GreaterThanToken, ['>=', '<=']],
  [kind.GreaterThanEqualsToken, ['>', '<']],
  [kind.EqualsEqualsEqualsToken, ['!==']],
  [kind.ExclamationEqualsEqualsToken, ['===']],
  [kind.AmpersandAmpersandToken, ['||']],
  [kind.BarBarToken, ['&&']],
  [kind.PlusToken, ['-']],
  [kind.MinusToken, ['+']],
  [kind.AsteriskToken, ['/']],
  [kind.SlashToken, ['*']],
]);

/** Every mutant of a file, in the order of its text. */
export function mutantsOf(name: string, text: string): Mutant[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return;
    for (const edit of editsOf(node, source)) {
      const from = edit.node.pos;
      found.push({ from, to: edit.node.end, text: edit.text, line: lineOf(source, from), what: edit.what });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function lineOf(source: ts.SourceFile, offset: number): number {
  return source.getLineAndCharacterOfPosition(offset).line + 1;
}

function editsOf(node: ts.Node, source: ts.SourceFile): Edit[] {
  const place = (at: ts.Node) => ({ pos: at.getStart(source), end: at.end });
  const short = (at: ts.Node) => at.getText(source).split('\n')[0]?.slice(0, 60) ?? '';
  const replaced = (at: ts.Node, text: string) => ({
    node: place(at),
    text,
    what: `${short(at)} → ${text || 'nothing'}`,
  });
  const negated = (at: ts.Expression) => ({ ...replaced(at, `!(${at.getText(source)})`), what: `not: ${short(at)}` });
  if (ts.isBinaryExpression(node)) {
    const { operatorToken: token, left, right } = node;
    const joins = token.kind === kind.PlusToken && [left, right].some(isText);
    return joins ? [] : (swaps.get(token.kind) ?? []).map(text => replaced(token, text));
  }
  if (ts.isIfStatement(node)) return [negated(node.expression)];
  if (ts.isConditionalExpression(node)) return [negated(node.condition)];
  if (ts.isPrefixUnaryExpression(node) && node.operator === kind.ExclamationToken)
    return [replaced(node, node.operand.getText(source))];
  if (ts.isReturnStatement(node) && node.expression)
    return constantsFor(node.expression).map(text => replaced(node.expression as ts.Expression, text));
  if (ts.isExpressionStatement(node)) return [replaced(node, ';')];
  return [];
}

function isText(node: ts.Expression): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/** Another constant where one is returned; nothing in the place of a list. */
function constantsFor(node: ts.Expression): string[] {
  switch (node.kind) {
    case kind.TrueKeyword:
      return ['false'];
    case kind.FalseKeyword:
      return ['true'];
    case kind.ArrayLiteralExpression:
      return (node as ts.ArrayLiteralExpression).elements.length > 0 ? ['[]'] : [];
    case kind.Identifier:
      return node.getText() === 'undefined' ? [] : ['undefined'];
    case kind.NumericLiteral:
      return [node.getText() === '0' ? '1' : '0'];
    default:
      return [];
  }
}
