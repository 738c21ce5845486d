// What is printed, and in which colours. Texts of a store are made harmless first: a record may hold escape sequences.
import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Colours are for people in front of a terminal. */
export function hasColours(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}

export function style(styles: Style, text: string): string {
  return hasColours() ? styleText(styles, text) : text;
}

/** Control characters, and those that change the direction of text, would let a record draw on the terminal. */
const harmfulPattern = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text on one line, without anything that a terminal would obey. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replace(harmfulPattern, ' ');
}

/** The same, with the lines of the text. */
export function manyLines(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}
