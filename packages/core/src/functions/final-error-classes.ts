// The classes in the option `finalErrors`, each with the name under which its errors are recorded.
import * as z from 'zod';
import { digest } from '../digest.js';
import { warnOnce } from '../events.js';

/** A class of errors. Its constructor may have any parameters: it is not called. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * Which errors are an outcome: those of the classes and of their subclasses, or those that a function picks.
 *
 * A record, `{ CardDeclined, LimitExceeded }`, gives each class the name under which its errors are recorded and restored. In a list the
 * name comes from the class: its own static `errorName`, its own static `code`, its `prototype.name`, or else its `name`, which a
 * minifier changes from one build to the next.
 */
export type FinalErrors = readonly ErrorClass[] | Readonly<Record<string, ErrorClass>> | ((error: unknown) => boolean);

export interface FinalErrorClass {
  readonly errorClass: ErrorClass;
  /** The recorded name of the class. */
  readonly name: string;
  /** Null where the name is the same in every build. Else a digest of this build's classes, which a recorded error must match too. */
  readonly buildDigest: string | null;
}

/** The classes in their order. None where a function picks the errors. */
export function listFinalErrorClasses(finalErrors: FinalErrors): readonly FinalErrorClass[] {
  if (typeof finalErrors === 'function') return [];
  if (!isClassList(finalErrors)) {
    return Object.entries(finalErrors).map(([name, errorClass]) => ({ errorClass, name, buildDigest: null }));
  }
  return finalErrors.map((errorClass) => {
    const name = explicitName(errorClass);
    if (name !== null) return { errorClass, name, buildDigest: null };
    return {
      errorClass,
      name: errorClass.name,
      buildDigest: looksMinified(errorClass.name) ? buildDigestOf(finalErrors) : null,
    };
  });
}

const errorClassField = z.custom<ErrorClass>(isErrorClass, { error: 'it must be a class of errors' });

/** Refuses classes that a record could not distinguish, and warns of names that a minifier made. */
export const finalErrorsField = z
  .union(
    [
      z.array(errorClassField),
      z.record(z.string(), errorClassField),
      z.custom<(error: unknown) => boolean>((value) => typeof value === 'function' && !isErrorClass(value)),
    ],
    {
      error:
        'it must be a record of error classes such as { CardDeclined }, a list of them, or a function of the error that returns true or false',
    },
  )
  .superRefine((finalErrors: FinalErrors, context) => {
    const classes = listFinalErrorClasses(finalErrors);
    const message = findAmbiguity(classes);
    if (message !== null) context.addIssue({ code: 'custom', message, input: finalErrors });
    else warnOfMinifiedNames(classes);
  });

function isErrorClass(value: unknown): value is ErrorClass {
  // Not `prototype instanceof Error`, because the class may extend the Error of another realm, as in Jest.
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
  const minified = classes.find(({ buildDigest }) => buildDigest !== null);
  if (minified === undefined) return;
  warnOnce(
    'final_error_name_changes',
    `finalErrors lists a class named ${JSON.stringify(minified.name)}, a name like those that minifiers make. A later build may name it ` +
      `differently, and then restores its recorded errors as a plain Error. To keep the class, ${remedy}.`,
  );
}

/** The name that a class declares itself. An inherited name belongs to another class. */
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

/** Minifiers use names of one to three characters. Another build may give the same name to another class. */
function looksMinified(name: string): boolean {
  return name.length <= 3;
}

/** The same in every process of one build. It differs in a build that gives one of the names to another class. */
function buildDigestOf(list: readonly ErrorClass[]): string {
  return digest(list.map(String)).slice(0, 16);
}

function isClassList(finalErrors: object): finalErrors is readonly ErrorClass[] {
  return Array.isArray(finalErrors);
}
