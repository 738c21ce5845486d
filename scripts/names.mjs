// Words that must not come back as parts of names in the packages: each hides the term that the field uses. The list says which.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './processes.mjs';
import { packageFolders } from './workspace.mjs';

const betterTerms = {
  agenda: 'expiry heap, queue',
  alike: 'variant key, same',
  anew: 'restore, retry',
  answer: 'reply (store), response (HTTP), result (function)',
  asked: 'request, called',
  asks: 'request, call',
  believe: 'extend lease, assume',
  below: 'original, native',
  beside: 'side',
  claimant: 'acquirer',
  departure: 'disconnect',
  dress: 'copy head',
  fate: 'disposition',
  hear: 'observe, receive, subscribe',
  heard: 'observed, received',
  insides: 'internals',
  interference: 'fault rule',
  obstacle: 'diagnostics, failure',
  onlooker: 'observer',
  overlay: 'overrides',
  plan: 'request',
  preceded: 'run first',
  rehearsal: 'dry run',
  relies: 'expects',
  revived: 'decoded',
  said: 'message, arguments',
  stage: 'shadow response',
  succession: 'master change',
  tell: 'notify, reply, return',
  tells: 'notifies',
  terms: 'policy, retention',
  told: 'reply, result, notified',
  undoubted: 'unknown if in doubt',
  zombie: 'stale owner',
};

/** Lists every name in the sources of the packages that has one of the words. Prints what it finds; answers an exit status. */
export async function checkNames() {
  const { parseSync } = await import('vite');
  const found = packageFolders.flatMap((folder) => {
    const sources = join(root, folder, 'src');
    const files = readdirSync(sources, { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.ts'));
    return files.flatMap((file) => {
      const path = join(folder, 'src', file);
      const names = new Set([
        ...namesIn(parseSync(path, readFileSync(join(sources, file), 'utf8')).program),
        fileName(file),
      ]);
      return [...names].flatMap((name) => wordsIn(name).map((word) => `${path}: ${name} — say ${betterTerms[word]}`));
    });
  });
  for (const line of found) console.error(line);
  return found.length > 0 ? 1 : 0;
}

function fileName(file) {
  return file.replace(/^.*[\\/]/, '').replace(/\.ts$/, '');
}

/** The words of a name in camel case, snake case or kebab case that are in the list. */
function wordsIn(name) {
  const words = name.split(/(?<=[a-z0-9])(?=[A-Z])|[_$-]/).map((word) => word.toLowerCase());
  return words.filter((word) => Object.hasOwn(betterTerms, word));
}

function* namesIn(node) {
  if (Array.isArray(node)) {
    for (const entry of node) yield* namesIn(entry);
  } else if (typeof node === 'object' && node !== null) {
    const isName = node.type === 'Identifier' || node.type === 'PrivateIdentifier';
    if (isName && typeof node.name === 'string') yield node.name;
    for (const child of Object.values(node)) yield* namesIn(child);
  }
}
