// What the sources of an execution await, as far as their syntax tells. Awaits are distinguished by file, function and
// order alone: a renamed variable or a changed comment changes nothing here.
import { childNodes, isNode, nameOf, type ParsedSource, type SyntaxNode } from '../../packages/source-trees.js';

/** The calls `….store.verb(…)` of a source: `file function: verb`. */
export function storeCallsIn(source: ParsedSource): string[] {
  const calls = source.nodes.filter(({ type, callee }) => type === 'CallExpression' && isOfStore(callee));
  return calls.map((call) => `${placeOf(source, call)}: ${lastName(call.callee)}`);
}

/** The awaits in the sources, apart from calls of their own functions: `file function`, once per await. */
export function foreignAwaits(sources: readonly ParsedSource[]): string[] {
  const methods = new Set(sources.flatMap(({ nodes }) => nodes.flatMap(methodName)));
  return sources.flatMap((source) => {
    const functions = new Set([...source.nodes.flatMap(functionName), ...source.nodes.flatMap(ownImports)]);
    const isOwn = (callee: SyntaxNode | undefined) => {
      if (callee === undefined) return false;
      return (callee.type === 'MemberExpression' ? methods : functions).has(lastName(callee) ?? '');
    };
    const awaits = source.nodes.filter(({ type }) => type === 'AwaitExpression');
    const foreign = awaits.filter(({ argument }) => !isOwn(calleeOf(argument)));
    return foreign.map((node) => placeOf(source, node));
  });
}

/** The file and the function that contain a node. */
function placeOf(source: ParsedSource, node: SyntaxNode): string {
  const file = source.file.replace('packages/', '').replace('core/src/', '');
  return `${file} ${functionAround(source, node)}`;
}

function isOfStore(callee: unknown): boolean {
  return isNode(callee) && callee.type === 'MemberExpression' && lastName(callee.object) === 'store';
}

/** `c` of `a.b.c`, `#c` of `this.#c`, `c` itself. */
function lastName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'MemberExpression') return lastName(node.property);
  return node.type === 'PrivateIdentifier' ? `#${nameOf(node)}` : nameOf(node);
}

/** The called function, whatever is chained to the call; undefined where something other than a call is awaited. */
function calleeOf(node: unknown): SyntaxNode | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'ChainExpression') return calleeOf(node.expression);
  if (node.type !== 'CallExpression' || !isNode(node.callee)) return undefined;
  const isChained = ['catch', 'finally', 'then'].includes(lastName(node.callee) ?? '');
  return isChained ? calleeOf(node.callee.object) : node.callee;
}

/** The name of a method, of a class or of an object. */
function methodName({ type, key, value }: SyntaxNode): string[] {
  const isMethod = type === 'MethodDefinition' || (type === 'Property' && isFunction(value));
  return isMethod ? [lastName(key) ?? ''] : [];
}

/** The name of a declared function. */
function functionName({ type, id, init }: SyntaxNode): string[] {
  const isDeclared = type === 'FunctionDeclaration' || (type === 'VariableDeclarator' && isFunction(init));
  return isDeclared ? [nameOf(id) ?? ''] : [];
}

function isFunction(node: unknown): boolean {
  return isNode(node) && ['ArrowFunctionExpression', 'FunctionExpression'].includes(node.type);
}

/** The names that an import takes from another of the sources. */
function ownImports({ type, source, specifiers }: SyntaxNode): string[] {
  const isOwn = type === 'ImportDeclaration' && nameOf(source)?.startsWith('.');
  return isOwn ? childNodes(specifiers).map(({ local }) => nameOf(local) ?? '') : [];
}

/** The innermost method or declared function around a node: a function in a variable counts as a part of it. */
function functionAround({ nodes }: ParsedSource, { start, end }: SyntaxNode): string {
  const around = nodes
    .filter(({ type }) => type === 'FunctionDeclaration' || type === 'MethodDefinition')
    .filter((node) => Number(node.start) < Number(start) && Number(end) <= Number(node.end));
  const inner = around.at(-1);
  return (inner && lastName(inner.id ?? inner.key)) ?? '(outside of any function)';
}
