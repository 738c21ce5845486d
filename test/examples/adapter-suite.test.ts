// The program of docs/testing.md about adapters, which registers the suite for the registration that it shows.
import { expect, test } from 'vitest';

// The name is computed, because a static import would add the application's Express types to all tests.
await import(`../../examples/docs/${'testing-adapter'}.ts`);

test('The program of docs/testing.md registers tests of its own', ({ task }) => {
  const [suite] = task.file.tasks;
  expect([suite?.type, suite?.name]).toEqual(['suite', 'the adapter for Express']);
});
