// What a registration says that its framework can do, and what it brings for it, agree.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Capability, capabilities } from '../../packages/testing/src/adapter-suite/capabilities.js';
import type { Framework } from '../../packages/testing/src/adapter-suite/framework.js';
import { allNames } from './frameworks.js';
import { frameworks, frameworksOverHttp2 } from './loaded-frameworks.js';

/** What a registration brings for a capability, and leaves out where the framework lacks it. */
const members: readonly (readonly [member: keyof Framework, capability: Capability])[] = [
  ['nodeLayer', 'nodeLayers'],
  ['bodyLayer', 'bodyLayers'],
  ['middleware', 'nesting'],
  ['packageName', 'nesting'],
  ['routers', 'routers'],
  ['timeouts', 'timeouts'],
];

describe.each([...frameworks, ...frameworksOverHttp2])('The registration of $name', (framework) => {
  it.each(members)('has %s exactly where the framework does not lack %s', (member, capability) => {
    expect(framework[member] === undefined).toBe(framework.lacks[capability] !== undefined);
  });

  it('has a layer exactly where the framework has layers outside or inside', () => {
    const { innerLayers, outerLayers } = framework.lacks;
    expect(framework.layer === undefined).toBe(innerLayers !== undefined && outerLayers !== undefined);
  });

  it('gives the reason for each capability that it lacks as a sentence', () => {
    for (const [capability, reason] of Object.entries(framework.lacks)) {
      expect(capabilities).toHaveProperty(capability);
      expect(reason).toMatch(/^\w.*\.$/);
    }
  });
});

it('The suite runs in a file of its own for each registered framework: add one to test/adapters/suite', () => {
  const folder = new URL('suite/', import.meta.url);
  const files = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const run = files.map((text) => /runSuite\('(.*)'\)/.exec(text)?.[1]);
  expect(run.sort()).toEqual([...allNames].sort());
});
