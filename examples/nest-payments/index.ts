// Payments on NestJS: a guard sets the user, a pipe validates, a filter renders errors, and an interceptor logs. In the folder examples,
// after npm run build:
//
//   PORT=3000 npx tsx nest-payments/index.ts
//   curl -i localhost:3000/payments -H 'Authorization: Bearer alice-token' -H 'Content-Type: application/json' \
//     -H 'Idempotency-Key: order-17' -d '{"amount":20}'
import 'reflect-metadata';
import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  HttpCode,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  type PipeTransform,
  Post,
  UnauthorizedException,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { MemoryStore } from '@onceguard/core';
import {
  type HttpContext,
  httpPaymentPolicy,
  IdempotencyContext,
  IdempotencyModule,
  Idempotent,
} from '@onceguard/nest';
import type { Request, Response } from 'express';
import { type Observable, tap } from 'rxjs';

interface UserRequest extends Request {
  user: { readonly id: string };
}

interface Payment {
  readonly amount: number;
}

const users = new Map([
  ['Bearer alice-token', 'user_alice'],
  ['Bearer bob-token', 'user_bob'],
]);

/** Guards run before a replay too: a user whose rights were revoked gets no recorded response. */
@Injectable()
class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<UserRequest>();
    const id = users.get(request.get('Authorization') ?? '');
    if (id === undefined) throw new UnauthorizedException();
    request.user = { id };
    return true;
  }
}

/** Interceptors run with the handler, so this one logs executions, and no replays. */
@Injectable()
class ExecutionLogger implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap((payment) => console.log('Paid', payment)));
  }
}

class PaymentPipe implements PipeTransform<unknown, Payment> {
  transform(body: unknown): Payment {
    const { amount }: { amount?: unknown } = Object(body);
    if (typeof amount !== 'number' || amount <= 0) throw new BadRequestException('amount must be a positive number');
    return { amount };
  }
}

class CardDeclined extends Error {}

/** What a filter sends is the response that is recorded. */
@Catch(CardDeclined)
class CardDeclinedFilter implements ExceptionFilter<CardDeclined> {
  catch(error: CardDeclined, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(402).json({ error: error.message });
  }
}

/** Stands for a payment provider, which recognises a repeated call by its key. */
@Injectable()
class Provider {
  #charges = 0;

  async charge(amount: number, idempotencyKey: string, signal: AbortSignal) {
    signal.throwIfAborted();
    if (amount > 1_000) throw new CardDeclined('The card was declined.');
    this.#charges += 1;
    return { id: `charge_${this.#charges}`, amount, idempotencyKey };
  }
}

@Controller('payments')
class PaymentsController {
  // Named, because tsx leaves out the types of parameters. With Nest's own compiler the type is enough.
  constructor(@Inject(Provider) private readonly provider: Provider) {}

  @Post()
  @HttpCode(201)
  @Idempotent({ ...httpPaymentPolicy, required: true })
  async pay(@Body(PaymentPipe) { amount }: Payment, @IdempotencyContext() { deriveKey, signal }: HttpContext) {
    return await this.provider.charge(amount, deriveKey('charge'), signal);
  }
}

@Module({
  imports: [
    // One process: the memory store. Several: forRootAsync with RedisStore.connect('redis://…') of @onceguard/core/redis.
    IdempotencyModule.forRoot({ store: new MemoryStore(), scope: (request: UserRequest) => request.user.id }),
  ],
  controllers: [PaymentsController],
  providers: [
    Provider,
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: APP_INTERCEPTOR, useClass: ExecutionLogger },
    { provide: APP_FILTER, useClass: CardDeclinedFilter },
  ],
})
class AppModule {}

// rawBody keeps the source of the body, so that amounts are compared digit by digit.
const app = await NestFactory.create(AppModule, { rawBody: true, logger: ['error'] });
const server = await app.listen(Number(process.env.PORT ?? 3000));
const address = server.address();
console.log(`Listening on port ${typeof address === 'object' ? address?.port : address}`);
