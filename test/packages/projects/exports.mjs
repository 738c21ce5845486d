// Prints what each entry point, given as an argument, exports to `import` and to `require`.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const found = process.argv.slice(2).map(async (entry) => {
  const names = Object.keys(require(entry)).filter((name) => name !== '__esModule');
  return { entry, imported: Object.keys(await import(entry)).sort(), required: names.sort() };
});
console.log(JSON.stringify(await Promise.all(found)));
