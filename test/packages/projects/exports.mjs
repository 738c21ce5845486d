// Prints what each entry point, given as an argument, exports to `import` and to `require`, and whether what is required still is an ES module:
// marked as one, and strict.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const found = process.argv.slice(2).map(async (entry) => {
  const required = require(entry);
  const names = Object.keys(required).filter((name) => name !== '__esModule');
  const isMarked = required.__esModule === true;
  // A function that is not strict has this property.
  const isStrict = Object.values(required).every(
    (value) => typeof value !== 'function' || !Object.hasOwn(value, 'caller'),
  );
  return { entry, imported: Object.keys(await import(entry)).sort(), required: names.sort(), isMarked, isStrict };
});
console.log(JSON.stringify(await Promise.all(found)));
