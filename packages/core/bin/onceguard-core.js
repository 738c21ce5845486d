#!/usr/bin/env node
// The commands are in a package of their own. Who asks core for one learns where it is.
const words = process.argv.slice(2);
const command = /^[a-z]+$/.test(words[0] ?? '') ? words[0] : 'doctor';
console.error(`The commands are in @onceguard/cli now. Run: npx @onceguard/cli ${command} redis://…`);
process.exitCode = 2;
