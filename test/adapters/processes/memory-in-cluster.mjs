// A cluster worker that makes two memory stores. Its parent is the primary.
import cluster from 'node:cluster';
import { MemoryStore } from '@onceguard/core';

if (cluster.isPrimary) {
  cluster.fork();
} else {
  new MemoryStore();
  new MemoryStore();
  cluster.worker.disconnect();
}
