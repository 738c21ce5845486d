// Checks the options of `idempotency()` once, when the middleware is created.
import * as z from 'zod';
import { checkPolicy, policyFields, storeField, withDefaultTombstone } from '../engine/policy.js';
import { checkTransaction, transactionField } from '../engine/transaction-option.js';
import { operationField } from '../engine/work-description.js';
import { functionField, milliseconds, parseOptions, wholeNumber } from '../parse-options.js';
import { headerNamePattern } from './headers.js';
import type { CheckedHttpOptions, HttpOptions } from './http-options.js';
import { defaultOmitHeaders } from './omitted-headers.js';

const requestFunctionField = functionField('it must be a function');
const headerNameField = z.string().regex(headerNamePattern, 'it must be the name of a header');
const scopeRemedy =
  'it must say whose keys these are: a function of the request that returns the id of its user or tenant, or the word "public". Without it, one caller could get the response of another';

const versionRule =
  'it must be 1 to 16 of a-z 0-9, and none of v1, c1 and f1, which stand for the default and for functions without a version';

const fingerprintVersionField = z.union(
  [
    z.literal('default'),
    requestFunctionField,
    z.strictObject({
      version: z.string().regex(/^(?!(?:v1|c1|f1)$)[a-z0-9]{1,16}$/, versionRule),
      of: requestFunctionField,
    }),
  ],
  'it must be "default", a function, or { version, of }',
);

const fingerprintField = z.union(
  [
    z.literal(false),
    requestFunctionField,
    z.array(fingerprintVersionField).min(1, 'it must have at least one version'),
  ],
  { error: 'it must be a function of the request, a list of versions, or false to compare nothing' },
);

const httpOptionsSchema = z
  .strictObject({
    store: storeField,
    scope: z.union([z.literal('public'), requestFunctionField], { error: scopeRemedy }),
    key: requestFunctionField.optional(),
    operation: operationField,
    label: requestFunctionField.optional(),
    required: z.boolean().default(false),
    methods: z.array(z.string().min(1)).default(['POST', 'PATCH']),
    headerName: headerNameField.default('Idempotency-Key'),
    skip: requestFunctionField.optional(),
    fingerprint: fingerprintField.optional(),
    classify: requestFunctionField.optional(),
    isFinal: requestFunctionField.optional(),
    maxOutcomeBytes: wholeNumber('bytes', 1, 536_870_912, 'For one mebibyte write 1048576.').default(1_048_576),
    callbackTimeoutMs: milliseconds(10, 900_000).default(10_000),
    omitHeaders: z.array(z.string().min(1)).default([...defaultOmitHeaders]),
    transaction: transactionField,
    renderProblem: requestFunctionField.optional(),
    ...policyFields,
  })
  .superRefine(checkPolicy)
  .superRefine(checkTransaction)
  .superRefine(checkClassifyOrIsFinal)
  .superRefine(checkFingerprintVersions);

/** Throws a `ConfigurationError` that names every invalid option, its value and the remedy. */
export function checkHttpOptions<Request>(options: HttpOptions<Request>): CheckedHttpOptions<Request> {
  const checked = withDefaultTombstone(parseOptions('idempotency()', httpOptionsSchema, options));
  const {
    scope,
    key,
    operation,
    label,
    skip,
    fingerprint,
    classify,
    isFinal,
    renderProblem,
    onAbandoned,
    transaction,
  } = options;
  const recover = typeof onAbandoned === 'function' ? onAbandoned : undefined;
  const callbacks = withoutUndefined({
    key,
    operation,
    label,
    skip,
    fingerprint,
    classify,
    isFinal,
    transaction,
    renderProblem,
    recover,
  });
  const methods = checked.methods.map((method) => method.toUpperCase());
  return { ...checked, ...callbacks, scope, methods };
}

function checkClassifyOrIsFinal(
  { classify, isFinal }: { classify?: unknown; isFinal?: unknown },
  context: z.core.$RefinementCtx,
): void {
  if (classify === undefined || isFinal === undefined) return;
  const message = 'it must be left out where classify is given: what it says of a response, classify can say too';
  context.addIssue({ code: 'custom', path: ['isFinal'], message, input: isFinal });
}

/** A record names one version, so two entries of the list may not share one. */
function checkFingerprintVersions({ fingerprint }: { fingerprint?: unknown }, context: z.core.$RefinementCtx): void {
  if (!Array.isArray(fingerprint)) return;
  const versions = fingerprint.map((entry) => (typeof entry === 'object' ? entry.version : typeof entry));
  const repeatedAt = versions.findIndex((version, index) => versions.indexOf(version) < index);
  if (repeatedAt < 0) return;
  const message = 'it must have another version than those before it in the list';
  context.addIssue({ code: 'custom', path: ['fingerprint', repeatedAt], message, input: fingerprint[repeatedAt] });
}

/** The functions are taken from the caller's own object, because the schema returns them without their types. */
function withoutUndefined<T extends object>(options: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}
