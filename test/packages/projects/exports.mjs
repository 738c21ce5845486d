// Prints what each entry point, given as an argument, exports to `import` and to `require`, and whether `require` marks it as an ES module.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const found = process.argv.slice(2).map(async (entry) => {
  const required = require(entry);
  const names = Object.keys(required).filter((name) => name !== '__esModule');
  const isMarked = required.__esModule === true;
  return { entry, imported: Object.keys(await import(entry)).sort(), required: names.sort(), isMarked };
});
console.log(JSON.stringify(await Promise.all(found)));
