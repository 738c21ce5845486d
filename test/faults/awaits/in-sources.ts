// What the sources of an execution wait for, as far as their syntax tells.
import { children, isNode, type Node, nameOf, parse, read, type Source } from '../../packages/sources.js';

export interface Parsed extends Source {
  readonly text: string;
}

export function parsed(file: string): Parsed {
  const text = read(file);
  return { ...parse(file, text), text };
}

/** The calls `….store.verb(…)` of a source: `file function: verb`, each once. */
export function storeCallsIn(source: Parsed): string[] {
  const calls = source.nodes.filter(({ type, callee }) => type === 'CallExpression' && isOfStore(callee));
  return distinct(
    calls.map((call) => `${shortName(source)} ${functionAround(source, call)}: ${lastName(call.callee)}`),
  );
}

/** What is awaited in the sources, apart from calls of their own functions: `file: text`, each once. */
export function foreignAwaits(sources: readonly Parsed[]): string[] {
  const methods = new Set(sources.flatMap(({ nodes }) => nodes.flatMap(methodName)));
  const found = sources.flatMap((source) => {
    const functions = new Set([...source.nodes.flatMap(functionName), ...source.nodes.flatMap(ownImports)]);
    const isOwn = (callee: Node | undefined) => {
      if (callee === undefined) return false;
      return (callee.type === 'MemberExpression' ? methods : functions).has(lastName(callee) ?? '');
    };
    const awaited = source.nodes.filter(({ type }) => type === 'AwaitExpression').map(({ argument }) => argument);
    const foreign = awaited.filter(isNode).filter((node) => !isOwn(calleeOf(node)));
    return foreign.map((node) => `${shortName(source)}: ${textOf(source, node)}`);
  });
  return distinct(found);
}

function shortName({ file }: Source): string {
  return file.replace('packages/', '').replace('core/src/', '').replace('/src/index.ts', '');
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

/** What is called, whatever is chained to it; undefined where something else is awaited than a call. */
function calleeOf(node: unknown): Node | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'ChainExpression') return calleeOf(node.expression);
  if (node.type !== 'CallExpression' || !isNode(node.callee)) return undefined;
  const isChained = ['catch', 'finally', 'then'].includes(lastName(node.callee) ?? '');
  return isChained ? calleeOf(node.callee.object) : node.callee;
}

/** The name of a method, of a class or of an object. */
function methodName({ type, key, value }: Node): string[] {
  const isMethod = type === 'MethodDefinition' || (type === 'Property' && isFunction(value));
  return isMethod ? [lastName(key) ?? ''] : [];
}

/** The name of a function that is declared. */
function functionName({ type, id, init }: Node): string[] {
  const isDeclared = type === 'FunctionDeclaration' || (type === 'VariableDeclarator' && isFunction(init));
  return isDeclared ? [nameOf(id) ?? ''] : [];
}

function isFunction(node: unknown): boolean {
  return isNode(node) && ['ArrowFunctionExpression', 'FunctionExpression'].includes(node.type);
}

/** What an import takes from another of the sources. */
function ownImports({ type, source, specifiers }: Node): string[] {
  const isOwn = type === 'ImportDeclaration' && nameOf(source)?.startsWith('.');
  return isOwn ? children(specifiers).map(({ local }) => nameOf(local) ?? '') : [];
}

/** The innermost method or declared function around it. */
function functionAround({ nodes }: Source, call: Node): string | undefined {
  const around = nodes
    .filter(({ type }) => type === 'FunctionDeclaration' || type === 'MethodDefinition')
    .filter(({ start, end }) => Number(start) < Number(call.start) && Number(call.end) <= Number(end));
  const inner = around.at(-1);
  return inner === undefined ? undefined : lastName(inner.id ?? inner.key);
}

function textOf({ text }: Parsed, { start, end }: Node): string {
  return text.slice(Number(start), Number(end)).replaceAll(/\s+/g, ' ');
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
