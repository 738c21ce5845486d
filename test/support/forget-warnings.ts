// For files that share a process: each hears a warning again of which the process was warned already, as in a process of its own.
const registry: unknown = Reflect.get(globalThis, Symbol.for('onceguard.process'));
const warned: unknown = registry instanceof Map ? registry.get('warnings/1') : undefined;
if (warned instanceof Set) warned.clear();
