// HTTP events as API Gateway, function URLs and load balancers send them, and what each makes of a handler's result.

export interface EventSpec {
  readonly key?: string;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly contentType?: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestEvent {
  readonly requestContext: object;
  readonly body: string | null;
  readonly [member: string]: unknown;
}

/** What a client receives. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly bytes: string;
}

export interface EventKind {
  readonly name: string;
  event(spec?: EventSpec): TestEvent;
  /** Null: this sender responds with an error of its own. */
  respond(result: unknown): WireResponse | null;
}

const defaultBody = JSON.stringify({ amount: 10 });

function headersOf({ key, contentType = 'application/json', headers = {} }: EventSpec): Record<string, string> {
  return { 'Content-Type': contentType, ...(key === undefined ? {} : { 'Idempotency-Key': key }), ...headers };
}

function lists(members: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, [value]]));
}

function lowerCase(members: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name.toLowerCase(), value]));
}

function lastValues(query: EventSpec['query']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(query ?? {}).map(([name, values]) => [name, values.at(-1)]));
}

function common({ body = defaultBody, isBase64Encoded = false, method = 'POST', path = '/pay' }: EventSpec) {
  return { httpMethod: method, path, body: body === '' ? null : body, isBase64Encoded };
}

function eventV1(spec: EventSpec = {}): TestEvent {
  const headers = headersOf(spec);
  const query = spec.query ?? null;
  return {
    ...common(spec),
    headers,
    multiValueHeaders: lists(headers),
    queryStringParameters: query && lastValues(query),
    multiValueQueryStringParameters: query,
    requestContext: { stage: 'prod', identity: { sourceIp: '192.0.2.1' } },
  };
}

function eventV2(spec: EventSpec = {}): TestEvent {
  const { httpMethod, path, body, isBase64Encoded } = common(spec);
  const pairs = Object.entries(spec.query ?? {}).flatMap(([name, values]) =>
    values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  );
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: pairs.join('&'),
    headers: lowerCase(headersOf(spec)),
    requestContext: { stage: '$default', http: { method: httpMethod, path } },
    body,
    isBase64Encoded,
  };
}

function eventAlb(spec: EventSpec = {}): TestEvent {
  return {
    ...common(spec),
    headers: lowerCase(headersOf(spec)),
    queryStringParameters: lastValues(spec.query),
    requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:test' } },
  };
}

function eventAlbMulti(spec: EventSpec = {}): TestEvent {
  return {
    ...common(spec),
    multiValueHeaders: lists(lowerCase(headersOf(spec))),
    multiValueQueryStringParameters: spec.query ?? {},
    requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:test' } },
  };
}

interface ResultMembers {
  readonly statusCode?: number | string;
  readonly headers?: Record<string, unknown>;
  readonly multiValueHeaders?: Record<string, unknown[]>;
  readonly cookies?: string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

/** Lambda passes results on as JSON. */
function asJson(result: unknown): unknown {
  return JSON.parse(JSON.stringify(result ?? null));
}

function wire(result: ResultMembers, headers: [string, unknown][]): WireResponse | null {
  const status = Number(result.statusCode);
  if (!Number.isInteger(status)) return null;
  const grouped: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const lines = grouped[name.toLowerCase()] ?? [];
    grouped[name.toLowerCase()] = lines;
    const added = [value].flat().map(String);
    lines.push(...added.filter((line) => !lines.includes(line)));
  }
  const bytes = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8').toString('hex');
  return { status, headers: grouped, bytes };
}

function respondV1(result: unknown): WireResponse | null {
  const given = Object(asJson(result)) as ResultMembers;
  return wire(given, [...Object.entries(given.headers ?? {}), ...Object.entries(given.multiValueHeaders ?? {})]);
}

function respondV2(result: unknown): WireResponse | null {
  const json = asJson(result);
  const given = Object(json) as ResultMembers;
  if (typeof json !== 'object' || given.statusCode === undefined)
    return wire({ statusCode: 200, body: JSON.stringify(json) }, [['content-type', 'application/json']]);
  const cookies: [string, unknown][] = given.cookies === undefined ? [] : [['set-cookie', given.cookies]];
  return wire(given, [...Object.entries(given.headers ?? {}), ...cookies]);
}

function respondAlb(result: unknown): WireResponse | null {
  const given = Object(asJson(result)) as ResultMembers;
  return wire(given, Object.entries(given.headers ?? {}));
}

function respondAlbMulti(result: unknown): WireResponse | null {
  const given = Object(asJson(result)) as ResultMembers;
  return wire(given, Object.entries(given.multiValueHeaders ?? {}));
}

export const v1: EventKind = { name: 'a REST API (v1)', event: eventV1, respond: respondV1 };
export const v2: EventKind = { name: 'an HTTP API or a function URL (v2)', event: eventV2, respond: respondV2 };
export const alb: EventKind = { name: 'a load balancer', event: eventAlb, respond: respondAlb };
export const albMulti: EventKind = {
  name: 'a load balancer with multi-value headers',
  event: eventAlbMulti,
  respond: respondAlbMulti,
};

export const eventKinds: readonly EventKind[] = [v1, v2, alb, albMulti];

/** The context of an invocation that Lambda ends after this many milliseconds. */
export function contextOf(limitMs = 20_000): { getRemainingTimeInMillis(): number } {
  const endsAt = Date.now() + limitMs;
  return { getRemainingTimeInMillis: () => endsAt - Date.now() };
}
