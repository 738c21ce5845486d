// One process of the orders API on Redis. main.ts starts it, and starts it again whenever it was killed.
import { RedisStore } from '@onceguard/core/redis';
import { listen } from './listen.js';
import { ordersApi } from './orders.js';
import { systemsAt } from './systems.js';

const [redisUrl = '', prefix = '', provider = '', backOffice = '', port = '0'] = process.argv.slice(2);
const store = await RedisStore.connect({ url: redisUrl, prefix });
// Fails here if there is no Redis, instead of at every request.
await store.read('startup');

const app = ordersApi({
  store,
  systems: systemsAt(provider, backOffice),
  onRecovered: (order, found) => process.send?.({ order, found }),
});
const { url } = await listen(app, Number(port));
process.send?.({ url });
