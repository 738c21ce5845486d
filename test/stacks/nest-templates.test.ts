// The projects that Nest's own starter makes compile against the packed package, and their applications run.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProject, installPackages, linkModule, packedPackages, runNode } from '../packages/packed-packages.js';
import { mistakesInProjects } from './compiled-projects.js';
import { majors } from './nest-adapter/library.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-nest-'));
const ofNest = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@nestjs/microservices',
  'reflect-metadata',
  'rxjs',
];

beforeAll(async () => {
  const packed = await packedPackages();
  for (const major of majors) {
    const world = join(folder, `nest-${major}`);
    installPackages(
      world,
      packed.filter(({ name }) => name === 'core' || name === 'nest'),
      {},
    );
    const modules = join(world, 'node_modules');
    for (const name of ofNest) linkModule(modules, name, `test/stacks/nest-${major}/node_modules/${name}`);
    linkModule(modules, '@types/node', 'node_modules/@types/node');
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

/** The compiler options of `nest new` that concern types and modules. Nest 12 starts projects as ES modules too. */
const common = {
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2023',
  sourceMap: true,
  incremental: true,
  strictNullChecks: true,
  forceConsistentCasingInFileNames: true,
  noImplicitAny: true,
  skipLibCheck: true,
  outDir: 'dist',
  types: ['node'],
};
const templates = [
  ['commonjs', 'commonjs', { module: 'commonjs', moduleResolution: 'node', ignoreDeprecations: '6.0' }],
  ['nodenext, CommonJS', 'commonjs', { module: 'nodenext', moduleResolution: 'nodenext', isolatedModules: true }],
  ['nodenext, ES modules', 'module', { module: 'nodenext', moduleResolution: 'nodenext', isolatedModules: true }],
] as const;

const main = `
import { Body, Controller, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemoryStore } from '@onceguard/core';
import { type HttpContext, httpPaymentPolicy, IdempotencyContext, IdempotencyModule, Idempotent } from '@onceguard/nest';

class PayDto { amount!: number; }

@Injectable()
class Payments {
  private runs = 0;
  pay(amount: number, key: string) { return { run: ++this.runs, amount, hasKey: key.length > 0 }; }
}

@Controller('payments')
class PaymentsController {
  constructor(private readonly payments: Payments) {}

  @Post()
  @Idempotent({ ...httpPaymentPolicy, required: true })
  pay(@Body() dto: PayDto, @IdempotencyContext() context: HttpContext) {
    return this.payments.pay(dto.amount, context.deriveKey('charge'));
  }
}

@Module({
  imports: [
    IdempotencyModule.forRootAsync({
      inject: ['USER'],
      imports: [{ module: class Users {}, providers: [{ provide: 'USER', useValue: 'alice' }], exports: ['USER'] }],
      useFactory: (user: string) => ({ store: new MemoryStore(), scope: () => user }),
    }),
  ],
  controllers: [PaymentsController],
  providers: [Payments],
})
class AppModule {}

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { rawBody: true, logger: false });
  await app.listen(0, '127.0.0.1');
  const pay = async () => {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'order-1' };
    return await fetch(\`\${await app.getUrl()}/payments\`, { method: 'POST', headers, body: '{"amount":7}' });
  };
  const [first, again] = [await pay(), await pay()];
  console.log(first.status, await first.text(), again.headers.get('Idempotent-Replayed'), await again.text());
  await app.close();
}
void bootstrap();
`;

describe.each(majors)('A project of Nest %s', (major) => {
  const world = join(folder, `nest-${major}`);
  const nameOf = (title: string) => title.replaceAll(/\W+/g, '-');
  let mistakes: Record<string, string> = {};

  beforeAll(async () => {
    const projects = templates.map(([title, type, modules]) =>
      createProject(world, nameOf(title), {
        'package.json': JSON.stringify({ type }),
        'tsconfig.json': JSON.stringify({ compilerOptions: { ...common, ...modules }, files: ['main.ts'] }),
        'main.ts': main,
      }),
    );
    mistakes = await mistakesInProjects('typescript6', projects);
  });

  test.each(templates)('compiles strictly and runs: %s', async (title) => {
    const at = join(world, nameOf(title));
    expect(mistakes[at]).toBe('');
    const paid = '{"run":1,"amount":7,"hasKey":true}';
    expect(await runNode(at, join('dist', 'main.js'))).toBe(`201 ${paid} true ${paid}\n`);
  });
});
