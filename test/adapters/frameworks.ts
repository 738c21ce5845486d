// The frameworks that the adapter suite runs on: all that are registered, or those that the variable FRAMEWORKS names.
import type { Framework } from '../../packages/testing/src/adapter-suite/framework.js';

interface Registration {
  readonly frameworks: readonly Framework[];
}

/**
 * One entry for each file of `registrations`, with the names of its frameworks. A file is loaded where one of its frameworks is wanted.
 */
const registrations: readonly { readonly names: readonly string[]; load(): Promise<Registration> }[] = [
  { names: ['node:http'], load: async () => await import('./registrations/node.js') },
  {
    names: ['Express 5', 'Express 4', 'Express 5 over HTTP/2'],
    load: async () => await import('./registrations/express.js'),
  },
  { names: ['Koa 3', 'Koa 2', 'Koa 3 over HTTP/2'], load: async () => await import('./registrations/koa.js') },
  {
    names: ['Fastify 5', 'Fastify 4', 'Fastify 5 over HTTP/2'],
    load: async () => await import('./registrations/fastify.js'),
  },
  {
    names: ['Lambda behind an HTTP API', 'Lambda behind a REST API'],
    load: async () => await import('./registrations/lambda.js'),
  },
  { names: ['Nest on Express', 'Nest on Fastify'], load: async () => await import('./registrations/nest.js') },
  { names: ['web'], load: async () => await import('./registrations/web.js') },
  { names: ['Hono'], load: async () => await import('./registrations/hono.js') },
  { names: ['h3'], load: async () => await import('./registrations/h3.js') },
];

export const allNames = registrations.flatMap(({ names }) => names);

/** One framework of each adapter: the first of its file. */
const representatives = registrations.map(({ names }) => names[0]);

/** Whether what needs more than memory, a Redis or servers of a test's own, runs on it: one of each adapter does, and all with `ADAPTER_STORES=each`. */
export function isRepresentative({ name }: Framework): boolean {
  return process.env.ADAPTER_STORES === 'each' || representatives.includes(name);
}

/** The names in `FRAMEWORKS`, with commas between them. Default: all. */
export const wantedNames = process.env.FRAMEWORKS?.split(',').map((name) => name.trim()) ?? allNames;

/** Loads one framework. Throws if there is none of this name. */
export async function loadFramework(name: string): Promise<Framework> {
  const [framework] = await loadFrameworks([name]);
  if (framework === undefined) throw new Error(`No such framework: ${name}.`);
  return framework;
}

/** Loads these frameworks. Throws if there is none of a name. */
export async function loadFrameworks(names: readonly string[]): Promise<Framework[]> {
  const unknown = names.filter((name) => !allNames.includes(name));
  if (unknown.length > 0) throw new Error(`No such framework: ${unknown.join()}. There are ${allNames.join(', ')}.`);
  const loading = registrations.filter((one) => one.names.some((name) => names.includes(name)));
  const loaded = await Promise.all(loading.map(async ({ load }) => (await load()).frameworks));
  return loaded.flat().filter(({ name }) => names.includes(name));
}
