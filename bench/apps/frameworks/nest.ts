import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { IdempotencyStore } from '@onceguard/core';
import { IdempotencyModule, Idempotent } from '@onceguard/nest';
import { type Order, pay } from '../payment.js';

/** Decorators are called as functions: the loader of the benchmark does not compile them. */
export async function nestApp(store: IdempotencyStore | null): Promise<RequestListener> {
  class Payments {
    pay(order: Order) {
      return pay(order);
    }
  }
  const method = Object.getOwnPropertyDescriptor(Payments.prototype, 'pay') as TypedPropertyDescriptor<unknown>;
  Body()(Payments.prototype, 'pay', 0);
  HttpCode(201)(Payments.prototype, 'pay', method);
  Post('payments')(Payments.prototype, 'pay', method);
  if (store !== null) Idempotent()(Payments.prototype, 'pay', method);
  Controller()(Payments);
  class App {}
  const imports = store === null ? [] : [IdempotencyModule.forRoot({ store, scope: () => 'account_42' })];
  Module({ controllers: [Payments], imports })(App);
  const app = await NestFactory.create<NestExpressApplication>(App, { logger: false });
  await app.init();
  return app.getHttpAdapter().getInstance();
}
