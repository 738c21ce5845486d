// The classes of the option `finalErrors`, each with the name that stands for it on record.
import { z } from 'zod';
import { digest } from '../digest.js';
import { warnOnce } from '../events.js';

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * Which errors are an outcome: the classes listed and what extends them, or those that a function picks.
 *
 * A record, `{ CardDeclined, LimitExceeded }`, records each error under the key of its class and restores it from there. A
 * list takes the name from the class: its own static `errorName`, its own static `code`, `prototype.name`, else its
 * `name`, which a minifier changes from one build to the next.
 */
export type FinalErrors = readonly ErrorClass[] | Readonly<Record<string, ErrorClass>> | ((error: unknown) => boolean);

export interface FinalErrorClass {
  readonly errorClass: ErrorClass;
  /** Stands for the class on record. */
  readonly name: string;
  /** Null where the name is the same in every build; else a digest of this build's classes, to be compared too. */
  readonly buildDigest: string | null;
}

/** The classes in their order; none where a function picks the errors. */
export function listFinalErrorClasses(finalErrors: FinalErrors): readonly FinalErrorClass[] {
  if (typeof finalErrors === 'function') return [];
  if (!isClassList(finalErrors)) {
    return Object.entries(finalErrors).map(([name, errorClass]) => ({ errorClass, name, buildDigest: null }));
  }
  return finalErrors.map((errorClass) => {
    const fixed = explicitName(errorClass);
    if (fixed !== null) return { errorClass, name: fixed, buildDigest: null };
    return {
      errorClass,
      name: errorClass.name,
      buildDigest: looksMinified(errorClass.name) ? buildDigestOf(finalErrors) : null,
    };
  });
}

const errorClassField = z.custom<ErrorClass>(isErrorClass, { error: 'it must be a class of errors' });

/** Refuses classes that could not be told apart on record, and warns of names that a minifier made. */
export const finalErrorsField = z
  .union(
    [
      z.array(errorClassField),
      z.record(z.string(), errorClassField),
      z.custom<(error: unknown) => boolean>((value) => typeof value === 'function' && !isErrorClass(value)),
    ],
    {
      error:
        'it must be a record of error classes such as { CardDeclined }, a list of them, or a function of the error that answers true or false',
    },
  )
  .superRefine((finalErrors: FinalErrors, context) => {
    const classes = listFinalErrorClasses(finalErrors);
    const message = findAmbiguity(classes);
    if (message !== null) context.addIssue({ code: 'custom', message, input: finalErrors });
    else warnOfMinifiedNames(classes);
  });

function isErrorClass(value: unknown): value is ErrorClass {
  // Not `prototype instanceof Error`: the class may extend the Error of another realm, as in Jest.
  const prototype: unknown = typeof value === 'function' ? value.prototype : undefined;
  return typeof prototype === 'object' && prototype !== null && 'message' in prototype;
}

function findAmbiguity(classes: readonly FinalErrorClass[]): string | null {
  const classOfName = new Map<string, ErrorClass>();
  for (const { name, errorClass } of classes) {
    if (name === '') return `it must give every class a name: ${remedy}`;
    if ((classOfName.get(name) ?? errorClass) !== errorClass) {
      return `it must give every class a name of its own, and two are named ${JSON.stringify(name)}: ${remedy}`;
    }
    classOfName.set(name, errorClass);
  }
  return null;
}

const remedy = 'write a record, finalErrors: { CardDeclined, LimitExceeded }, or give the class a static errorName';

function warnOfMinifiedNames(classes: readonly FinalErrorClass[]): void {
  const found = classes.find(({ buildDigest }) => buildDigest !== null);
  if (found === undefined) return;
  warnOnce(
    'final_error_name_changes',
    `finalErrors lists a class named ${JSON.stringify(found.name)}, a name as minifiers make it. A later build may name it ` +
      `differently, and then restores its recorded errors as a plain Error. To keep the class, ${remedy}.`,
  );
}

/** The name that a class gave itself. An inherited one is that of another class. */
function explicitName(errorClass: ErrorClass): string | null {
  const names = [
    ownProperty(errorClass, 'errorName'),
    ownProperty(errorClass, 'code'),
    ownProperty(errorClass.prototype, 'name'),
  ];
  return names.find((name) => typeof name === 'string') ?? null;
}

function ownProperty(target: object, property: string): unknown {
  return Object.hasOwn(target, property) ? Reflect.get(target, property) : undefined;
}

/** A minifier gives names of one to three characters; another build may give the same name to another class. */
function looksMinified(name: string): boolean {
  return name.length <= 3;
}

/** The same in every process of one build. In another one, a name that moved to another class makes it differ. */
function buildDigestOf(list: readonly ErrorClass[]): string {
  return digest(list.map(String)).slice(0, 16);
}

function isClassList(finalErrors: object): finalErrors is readonly ErrorClass[] {
  return Array.isArray(finalErrors);
}
