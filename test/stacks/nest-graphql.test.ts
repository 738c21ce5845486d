// Mutations of @nestjs/graphql with Apollo: each field of a mutation is one operation, with a record of its own.
import 'reflect-metadata';
import type { MemoryStore } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { closeAfterEachTest, startNest } from './nest-adapter/application.js';
import { loadFrom, loadNest } from './nest-adapter/library.js';

const nest = await loadNest('12');
const { Field, GraphQLModule, Args, Int, Mutation, ObjectType, Parent, Query, ResolveField, Resolver } = await loadFrom(
  '12',
  '@nestjs/graphql',
);
const { ApolloDriver } = await loadFrom('12', '@nestjs/apollo');
const { Idempotent, IdempotencyContext } = nest.onceguard;

/** The compiler of the tests leaves out the types of parameters, which @nestjs/graphql reads. */
const parameters = (...types: unknown[]) => Reflect.metadata('design:paramtypes', types);

@ObjectType()
class Payment {
  @Field(() => Int)
  amount = 0;

  @Field(() => Int)
  run = 0;

  @Field(() => Date)
  at = new Date(0);
}

interface GraphqlSpec {
  readonly options?: object;
  readonly begin?: () => Promise<void> | void;
  readonly store?: MemoryStore;
}

async function startGraphql({ options = {}, begin = () => {}, store }: GraphqlSpec = {}) {
  let runs = 0;
  @Resolver(() => Payment)
  class Payments {
    @Query(() => Int)
    @parameters()
    runs() {
      return runs;
    }

    @Mutation(() => Payment)
    @parameters(Number, Object)
    @Idempotent()
    async pay(
      @Args('amount', { type: () => Int }) amount: number,
      @IdempotencyContext({ optional: true }) context: { attempt: number } | undefined,
    ) {
      await begin();
      runs += 1;
      if (amount === 13) throw new Error(`declined in attempt ${context?.attempt}`);
      return Object.assign(new Payment(), { amount, run: runs });
    }

    @ResolveField(() => String)
    @parameters(Payment)
    receipt(@Parent() { run, at }: Payment) {
      return `receipt ${run} of ${at.getUTCFullYear()}`;
    }
  }
  const { port } = await startNest(nest, 'Express', {
    controllers: [],
    providers: [Payments],
    imports: [GraphQLModule.forRoot({ driver: ApolloDriver, autoSchemaFile: true })],
    options,
    ...(store === undefined ? {} : { store }),
  });
  return async (key: string | undefined, query: string) => {
    const { text } = await send(port, { path: '/graphql', key, body: { query } });
    const { data, errors = [] } = JSON.parse(text) as GraphqlResponse;
    return { data, errors: errors.map(({ message, extensions }) => ({ message, ...extensions })) };
  };
}

interface GraphqlResponse {
  readonly data: Record<string, { readonly run: number }> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

const payTen = 'mutation { pay(amount: 10) { amount run receipt } }';

describe('A mutation', () => {
  closeAfterEachTest();

  it('runs once, and its repeat may select other fields of the recorded result', async () => {
    const graphql = await startGraphql();
    const first = await graphql('k', payTen);
    expect(first).toEqual({ data: { pay: { amount: 10, run: 1, receipt: 'receipt 1 of 1970' } }, errors: [] });
    expect(await graphql('k', payTen)).toEqual(first);
    expect((await graphql('k', 'mutation { pay(amount: 10) { at } }')).data).toEqual({
      pay: { at: '1970-01-01T00:00:00.000Z' },
    });
    expect(await graphql(undefined, '{ runs }')).toMatchObject({ data: { runs: 1 } });
  });

  it('of two fields has a record for each', async () => {
    const graphql = await startGraphql();
    const two = 'mutation { a: pay(amount: 10) { run } b: pay(amount: 10) { run } }';
    for (const _ of ['the first', 'a repeat'])
      expect((await graphql('k', two)).data).toEqual({ a: { run: 1 }, b: { run: 2 } });
  });

  it('with other arguments under its key is refused', async () => {
    const graphql = await startGraphql();
    await graphql('k', payTen);
    const { data, errors } = await graphql('k', payTen.replace('10', '11'));
    expect([data, errors]).toMatchObject([null, [{ code: 'key_reused', retryable: false }]]);
  });

  it('that fails frees its key, and gets its attempt from the context', async () => {
    const graphql = await startGraphql();
    for (const attempt of [1, 2]) {
      const { errors } = await graphql('k', payTen.replace('10', '13'));
      expect(errors).toMatchObject([{ message: `declined in attempt ${attempt}` }]);
    }
  });

  it('that is repeated while it runs is refused as in_progress', async () => {
    const [begun, mayEnd] = [newGate(), newGate()];
    const graphql = await startGraphql({
      begin: async () => {
        begun.open();
        await mayEnd.opened;
      },
    });
    const first = graphql('k', payTen);
    await begun.opened;
    const { errors } = await graphql('k', payTen);
    expect(errors).toMatchObject([{ code: 'in_progress', retryable: true, retryAfterMs: expect.any(Number) }]);
    mayEnd.open();
    expect((await first).data).toMatchObject({ pay: { run: 1 } });
  });

  it('without a key runs as usual, unless one is required', async () => {
    const graphql = await startGraphql();
    for (const run of [1, 2]) expect((await graphql(undefined, payTen)).data?.pay?.run).toBe(run);
    const strict = await startGraphql({ options: { required: true } });
    expect((await strict(undefined, payTen)).errors).toMatchObject([{ code: 'key_missing' }]);
    expect((await strict('a b', payTen)).errors).toMatchObject([{ code: 'key_invalid' }]);
    expect((await strict(undefined, '{ runs }')).errors).toEqual([]);
  });

  it('has the scope of the request, so that two users never share a result', async () => {
    const scopes = ['alice', 'bob', 'alice'];
    const graphql = await startGraphql({ options: { scope: () => scopes.shift() } });
    const runs: unknown[] = [];
    for (const _ of ['alice', 'bob', 'alice']) runs.push((await graphql('k', payTen)).data?.pay?.run);
    expect(runs).toEqual([1, 2, 1]);
  });
});
