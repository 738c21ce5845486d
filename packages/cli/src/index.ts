// @onceguard/cli: the command `onceguard`, as a function for programs that start it themselves.

export { main } from './main.js';
