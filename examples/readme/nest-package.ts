// The snippet of packages/nest/README.md. What is between the marks is an exact copy: change both.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createOrder, type Order } from '../application.js';

// #region snippet

import { Body, Controller, Module, Post } from '@nestjs/common';
import { RedisStore } from '@onceguard/core/redis';
import { type HttpContext, IdempotencyContext, IdempotencyModule, Idempotent } from '@onceguard/nest';

@Controller('orders')
class OrdersController {
  @Post()
  @Idempotent({ required: true })
  create(@Body() order: Order, @IdempotencyContext() { deriveKey }: HttpContext) {
    return createOrder(order, deriveKey('order'));
  }
}

@Module({
  imports: [
    IdempotencyModule.forRootAsync({
      useFactory: async () => ({
        store: await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'),
        scope: (request) => request.user.id,
      }),
    }),
  ],
  controllers: [OrdersController],
})
class AppModule {}

// #endregion

export const createApp = async () => await NestFactory.create(AppModule, { logger: false });
