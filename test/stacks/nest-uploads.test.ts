// Uploads: files are compared by a fingerprint function, which finds them only where the interceptor that reads them runs before.
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { onEveryNest, type RunningNest, startNest } from './nest-adapter/application.js';

interface Upload {
  readonly body: object;
  readonly file?: { readonly buffer: Buffer };
}

/** The fields, and a digest of the file. */
function fingerprint({ body, file }: Upload): string {
  const digest = file && createHash('sha256').update(file.buffer).digest('hex');
  return JSON.stringify([body, digest]);
}

async function upload({ port }: RunningNest, path: string, content: string) {
  const body = new FormData();
  body.set('account', 'a');
  body.set('file', new File([content], 'payments.csv'));
  const headers = { 'idempotency-key': 'k' };
  const response = await fetch(`http://127.0.0.1:${port}/uploads/${path}`, { method: 'POST', headers, body });
  return {
    status: response.status,
    replayed: response.headers.has('idempotent-replayed'),
    text: await response.text(),
  };
}

await onEveryNest('An upload', (stack) => {
  const { nest, platform } = stack;
  // Nest 11 has no interceptor for uploads on Fastify.
  if (nest.major === '11' && platform === 'Fastify')
    return it('has no interceptor of Nest', () => expect(nest.fastify).not.toHaveProperty('FileInterceptor'));
  const { Controller, Post, UploadedFile, UseInterceptors } = nest.common;
  const { Idempotent } = nest.onceguard;
  const { FileInterceptor } = platform === 'Fastify' ? nest.fastify : nest.express;

  async function startUploads() {
    let runs = 0;
    const errors: unknown[] = [];
    @Controller('uploads')
    class Uploads {
      @Post('route')
      @Idempotent({ position: 'route', fingerprint })
      @UseInterceptors(FileInterceptor('file'))
      route(@UploadedFile() file: { buffer: Buffer }) {
        return { run: ++runs, size: file.buffer.length };
      }

      @Post('outermost')
      @Idempotent({ fingerprint })
      @UseInterceptors(FileInterceptor('file'))
      outermost() {
        return { run: ++runs };
      }

      @Post('above')
      @UseInterceptors(FileInterceptor('file'))
      @Idempotent({ position: 'route', fingerprint })
      above() {
        return { run: ++runs };
      }

      @Post('uncompared')
      @Idempotent({ position: 'route' })
      @UseInterceptors(FileInterceptor('file'))
      uncompared() {
        return { run: ++runs };
      }
    }
    class Catcher {
      catch(error: unknown, host: { switchToHttp(): { getResponse(): { status(code: number): { send(): void } } } }) {
        errors.push(error);
        host.switchToHttp().getResponse().status(500).send();
      }
    }
    nest.common.Catch()(Catcher);
    const app = await startNest(nest, platform, {
      controllers: [Uploads],
      configure: (starting) => starting.useGlobalFilters(new Catcher()),
    });
    return { app, errors, runs: () => runs };
  }

  it('with position route above its interceptor is replayed, and another file is refused', async () => {
    const { app, runs } = await startUploads();
    const first = await upload(app, 'route', 'one');
    const again = await upload(app, 'route', 'one');
    expect([first.status, first.replayed, JSON.parse(first.text)]).toEqual([201, false, { run: 1, size: 3 }]);
    expect([again.replayed, again.text, runs()]).toEqual([true, first.text, 1]);
    expect((await upload(app, 'route', 'two')).status).toBe(422);
  });

  it.each(['outermost', 'above'])(
    'whose files were not read yet is an error that names the remedy: %s',
    async (path) => {
      const { app, errors, runs } = await startUploads();
      expect((await upload(app, path, 'one')).status).toBe(500);
      expect(errors).toMatchObject([
        { code: 'body_not_parsed', message: expect.stringContaining("position: 'route'") },
      ]);
      expect(runs()).toBe(0);
    },
  );

  it('without a fingerprint function is an error, never compared by less', async () => {
    const { app, errors, runs } = await startUploads();
    expect((await upload(app, 'uncompared', 'one')).status).toBe(500);
    expect(errors).toMatchObject([{ code: 'body_not_parsed' }]);
    expect(runs()).toBe(0);
  });
});
