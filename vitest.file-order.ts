// The order in which vitest starts the files of a run.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** These take longest. Begun last, each would keep one core busy while the other has nothing to do. */
const longest = [
  'test/postgres/store-contract.test.ts',
  'test/postgres/versions.test.ts',
  'test/packages/tarballs.test.ts',
  // A small file each, with a thousand tests.
  'test/adapters/suite/',
  'test/stacks/typescript.test.ts',
  'test/stacks/bundlers.test.ts',
  'test/stacks/inspector-accessibility.test.ts',
  'test/stacks/jest.test.ts',
  'test/stacks/client-chromium.test.ts',
  'test/stacks/inspector-flows.test.ts',
  'test/stacks/next.test.ts',
  'test/faults/transaction-kills.test.ts',
  'test/faults/awaits-process-killed.test.ts',
];

/** As vitest has it, but the longest files come first. */
export class FileOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications);
    const isLong = ({ moduleId }: TestSpecification) => longest.some((file) => moduleId.includes(file));
    return [...sorted.filter(isLong), ...sorted.filter((one) => !isLong(one))];
  }
}
