// The generated parts of a document: each between two markers with its name.

/** Replaces the text between the markers of each part. Throws if a part has no markers. */
export function fillParts(document: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`The document has no part between ${begin} and ${end}`);
    return `${text.slice(0, from + begin.length)}\n${content === '' ? '' : `\n${content}\n\n`}${text.slice(to)}`;
  }, document);
}
