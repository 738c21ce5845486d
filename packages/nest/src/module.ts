// IdempotencyModule: the options of the application, and its outermost interceptor.
import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '@onceguard/core';
import { IdempotencyEngine } from './engine.js';
import { prepareHandlers } from './handlers-at-start.js';
import { engineToken, OutermostInterceptor } from './interceptors.js';
import type { IdempotencyModuleOptions } from './options.js';

const optionsToken = Symbol.for('onceguard.nest.options');

/** How `forRootAsync` gets its options. */
export interface IdempotencyModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The tokens of what `useFactory` gets, in this order. Default none. */
  inject?: FactoryProvider['inject'];
  useFactory: FactoryProvider<IdempotencyModuleOptions>['useFactory'];
}

/** Import it once, in the root module. It is global. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a module of Nest is a class, and a dynamic one comes from its static methods
export class IdempotencyModule {
  /**
   * The options that hold for all handlers with `@Idempotent()`. `store` and `scope` are required; `docs/options.md` has all of them.
   * Options that are not valid are a `ConfigurationError` when the application starts.
   *
   * @example
   * IdempotencyModule.forRoot({ store: new MemoryStore(), scope: (req) => req.user.id });
   */
  static forRoot(options: IdempotencyModuleOptions): DynamicModule {
    return dynamicModule({ provide: optionsToken, useValue: options });
  }

  /**
   * The same with options that other providers give.
   *
   * @example
   * IdempotencyModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: async (config: ConfigService) => ({
   *     store: await RedisStore.connect(config.getOrThrow('REDIS_URL')),
   *     scope: (req) => req.user.id,
   *   }),
   * });
   */
  static forRootAsync({ imports = [], inject = [], useFactory }: IdempotencyModuleAsyncOptions): DynamicModule {
    return { ...dynamicModule({ provide: optionsToken, useFactory, inject }), imports };
  }
}

function dynamicModule(options: Provider): DynamicModule {
  const engine: FactoryProvider = {
    provide: engineToken,
    inject: [optionsToken, ApplicationConfig, ModulesContainer],
    useFactory: startEngine,
  };
  return { module: IdempotencyModule, global: true, providers: [options, engine], exports: [engineToken] };
}

/** Nest calls it before it registers the routes. */
function startEngine(
  options: IdempotencyModuleOptions,
  application: ApplicationConfig,
  modules: ModulesContainer,
): IdempotencyEngine {
  const interceptors = application.getGlobalInterceptors();
  if (interceptors.some((one) => one instanceof OutermostInterceptor)) throw importedTwice();
  const engine = new IdempotencyEngine(options);
  prepareHandlers(modules, engine);
  interceptors.unshift(new OutermostInterceptor(engine));
  return engine;
}

function importedTwice(): ConfigurationError {
  const remedy = 'Import it once, in the root module, and give handlers that differ options of their own.';
  return new ConfigurationError('option_invalid', `IdempotencyModule is imported twice. ${remedy}`);
}
