// The packed packages under the TypeScript versions and module resolutions of real projects, down to the oldest.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createProject,
  installPackages,
  linkModule,
  packedPackages,
  runNode,
  runTestTool,
} from '../packages/packed-packages.js';
import { readRepositoryFile } from '../packages/source-trees.js';
import { mistakesInProjects } from './compiled-projects.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-typescript-'));
const program = readRepositoryFile('test/packages/projects/program.ts');
const peers = {
  express: 'express',
  koa: 'koa',
  ioredis: 'ioredis',
  bullmq: 'bullmq',
  fastify: 'fastify',
  hono: 'hono',
  '@types/express': '@types/express',
  '@types/koa': '@types/koa',
};

beforeAll(async () => {
  installPackages(folder, await packedPackages(), peers);
  linkModule(join(folder, 'node_modules'), '@types/node', 'node_modules/@types/node');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

/** As `tsc --init`, ts-node and the templates of frameworks set it. TypeScript 6 has announced the end of node10. */
const settings = [
  ['node', 'commonjs', { module: 'commonjs', moduleResolution: 'node' }],
  ['node16', 'commonjs', { module: 'node16', moduleResolution: 'node16' }],
  ['nodenext', 'module', { module: 'nodenext', moduleResolution: 'nodenext' }],
  ['bundler', 'module', { module: 'esnext', moduleResolution: 'bundler' }],
] as const;

/** This one by `tsc` itself, which checks the declarations of all packages. */
const byCommand = 'nodenext';

describe.each([
  ['TypeScript 5', 'typescript5', {}],
  ['TypeScript 6', 'typescript6', { ignoreDeprecations: '6.0' }],
] as const)('With %s', (_title, typescript, extra) => {
  const projectOf = (resolution: string) => join(folder, `${typescript}-${resolution}`);
  let mistakes: Record<string, string> = {};

  beforeAll(async () => {
    for (const [resolution, type, modules] of settings) {
      createProject(folder, `${typescript}-${resolution}`, {
        'package.json': JSON.stringify({ type }),
        'tsconfig.json': tsconfig({ ...modules, ...extra }),
        'program.ts': program,
      });
    }
    const together = settings.map(([resolution]) => resolution).filter((resolution) => resolution !== byCommand);
    mistakes = await mistakesInProjects(typescript, together.map(projectOf));
  });

  test.each(settings)(
    'and moduleResolution %s (%s), a program with every entry point compiles strictly and runs',
    async (resolution) => {
      const at = projectOf(resolution);
      if (resolution === byCommand) await runTestTool(`${typescript}/bin/tsc`, ['--pretty', 'false'], at);
      else expect(mistakes[at]).toBe('');
      expect(await runNode(at, join('out', 'program.js'))).toBe('everything ran once\n');
    },
  );
});

const honoProgram = `
import { MemoryStore } from '@onceguard/core';
import { idempotency, type IdempotencyVariables, idempotencyOf } from '@onceguard/hono';
import { Hono } from 'hono';

const app = new Hono<{ Variables: IdempotencyVariables & { user: string } }>();
app.use(async (c, next) => { c.set('user', 'alice'); await next(); });
app.post('/payments', idempotency({ store: new MemoryStore(), scope: (c) => c.get('user') }), (c) =>
  c.json({ attempt: idempotencyOf(c).attempt }),
);
console.log(app.routes.length);
`;

const fastifyProgram = `
import { MemoryStore } from '@onceguard/core';
import { idempotency, idempotencyOf } from '@onceguard/fastify';
import fastify from 'fastify';

const app = fastify();
app.register(idempotency, { store: new MemoryStore(), scope: (request) => request.ip });
app.post('/payments', { config: { idempotency: { leaseMs: 5_000 } } }, async (request) => ({
  attempt: idempotencyOf(request).attempt,
}));
app.ready().then(() => console.log(app.hasRoute({ method: 'POST', url: '/payments' })));
`;

/** What `npm create hono` (for Node) and `fastify generate --lang=ts` (by fastify-tsconfig) write. */
const templates = [
  [
    'Hono',
    'module',
    { target: 'ESNext', module: 'NodeNext', verbatimModuleSyntax: true, jsx: 'react-jsx', jsxImportSource: 'hono/jsx' },
    honoProgram,
    '3\n',
  ],
  [
    'Fastify',
    'commonjs',
    {
      target: 'es2018',
      module: 'commonjs',
      moduleResolution: 'node',
      declaration: true,
      noEmitOnError: true,
      resolveJsonModule: true,
      noUnusedLocals: true,
      noFallthroughCasesInSwitch: true,
      useDefineForClassFields: true,
      forceConsistentCasingInFileNames: true,
      lib: ['esnext'],
    },
    fastifyProgram,
    'true\n',
  ],
] as const;

describe('With TypeScript 5', () => {
  let mistakes: Record<string, string> = {};

  beforeAll(async () => {
    const projects = templates.map(([name, type, options, text]) =>
      createProject(folder, `template-${name}`, {
        'package.json': JSON.stringify({ type }),
        'tsconfig.json': tsconfig({
          ...options,
          exactOptionalPropertyTypes: false,
          esModuleInterop: false,
          skipLibCheck: true,
        }),
        'program.ts': text,
      }),
    );
    const mistaken = createProject(folder, 'mistaken', {
      'package.json': '{ "type": "commonjs" }',
      'tsconfig.json': tsconfig({ module: 'commonjs', moduleResolution: 'node', noEmit: true, skipLibCheck: true }),
      'program.ts': program.replace("scope: 'orders'", 'scope: 7').replace('req.params.id', 'req.params.nothing.of.it'),
    });
    mistakes = await mistakesInProjects('typescript5', [...projects, mistaken]);
  });

  test.each(templates)(
    'and the settings of the template of %s, a program compiles and runs',
    async (name, _type, _options, _text, prints) => {
      const at = join(folder, `template-${name}`);
      expect(mistakes[at]).toBe('');
      expect(await runNode(at, join('out', 'program.js'))).toBe(prints);
    },
  );

  test('and moduleResolution node, a type error in the use of a package is found', () => {
    expect(mistakes[join(folder, 'mistaken')]?.match(/^.*: error TS\d+/gm)).toHaveLength(2);
  });
});

function tsconfig(own: object): string {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    esModuleInterop: true,
    skipLibCheck: false,
    outDir: 'out',
    ...own,
  };
  return JSON.stringify({ compilerOptions, files: ['program.ts'] });
}
