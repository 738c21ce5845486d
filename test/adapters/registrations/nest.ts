// Nest in the adapter suite, on Express and on Fastify. Outer layers are middleware and hooks, inner layers are interceptors.

import type { AppSpec, ClosableListener, Framework } from '../../../packages/testing/src/adapter-suite/framework.js';
import { loadNest, type NestLibrary } from '../../stacks/nest-adapter/library.js';
import { controllerOf, type NestLayer, nestLayers, nestTimeouts } from './nest-layers.js';
import { type NativeRequest, type NestPlatform, onExpress, onFastify } from './nest-platforms.js';

const nest = await loadNest('12');

const lacksOfNest = {
  silentLayers: 'A guard, a middleware or an interceptor that does not respond leaves a request without a response.',
  unrouted: 'The decorator stands on handlers, so that a request without a route never reaches it.',
  hidingLayers: 'The adapter follows the handler below all interceptors.',
  refusedHeads: 'The exception filter of Nest fails a second time on a head that Node has refused.',
  nesting: 'An application has one IdempotencyModule; a second one is an error at the start.',
} as const;

export const frameworks: readonly Framework[] = [
  { ...onPlatform('Nest on Express', onExpress(nest)), lacks: lacksOfNest },
  {
    ...onPlatform('Nest on Fastify', onFastify(nest)),
    lacks: {
      ...lacksOfNest,
      unsupportedTypes: 'Fastify itself refuses a media type without a parser with 415, before any interceptor runs.',
      errorsAfterHijack: 'Fastify does not respond for a handler that has taken over the response and then throws.',
    },
  },
];

function onPlatform(name: string, platform: NestPlatform): Framework {
  return {
    name,
    transport: 'HTTP/1',
    lacks: lacksOfNest,
    listener: async (spec) => await start(platform, spec),
    header: (native, header) => [(native as NativeRequest).headers[header.toLowerCase()]].flat()[0],
    parsedBody: (native) => (native as NativeRequest).body,
    ...nestLayers(nest, platform),
    routers: {
      'a controller with two paths': async (spec) => (await start(platform, spec, ['a/pay', 'b/pay'])).listener,
    },
    timeouts: nestTimeouts(nest, platform),
  };
}

async function start(platform: NestPlatform, spec: AppSpec, paths?: string[]): Promise<ClosableListener> {
  const { common, core, onceguard } = nest;
  // The decorator stands on a handler for all methods, so the option `methods`, which Nest refuses, has nothing to add.
  const { methods: _, ...options } = spec.options ?? {};
  const module = onceguard.IdempotencyModule.forRoot({ store: spec.store, scope: 'public', ...options } as never);
  class Root {}
  common.Module({
    imports: spec.plain ? [] : [module],
    controllers: [controllerOf(nest, platform, spec, paths)],
  })(Root);
  const adapter = platform.createAdapter();
  const app = await core.NestFactory.create(Root, adapter as never, {
    logger: false,
    bodyParser: false,
    // An error at the start is thrown, not answered by the end of the process.
    abortOnError: false,
  });
  if (spec.handled !== undefined) app.useGlobalFilters(errorFilter(nest, spec.handled) as never);
  for (const layer of spec.outer ?? []) platform.mountOuter(app, layer as NestLayer);
  await platform.mountParser(app, spec.parser ?? 'json');
  await app.init();
  return { listener: await platform.listenerOf(app), close: () => app.close() };
}

function errorFilter({ common }: NestLibrary, handled: unknown[]) {
  class ErrorFilter {
    catch(
      error: unknown,
      host: { switchToHttp(): { getResponse(): { status(code: number): { send(body: string): void } } } },
    ) {
      handled.push(error);
      host.switchToHttp().getResponse().status(500).send('handled');
    }
  }
  common.Catch()(ErrorFilter);
  return new ErrorFilter();
}
