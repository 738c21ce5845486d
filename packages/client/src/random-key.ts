// The key of one intention.

/** `crypto.randomUUID` exists in secure contexts only; `getRandomValues` everywhere, in React Native by a polyfill. Both have 122 bits or more. */
export function randomKey(): string {
  return crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
}
