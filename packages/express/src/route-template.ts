// The template of the route in which the middleware runs. Express keeps that of the route, and not that of the paths it is mounted on.
import type { Request } from 'express';

/** A segment that is one of a few words, such as `payments` or `v1`, and no id. */
const wordPattern = /^(?:v\d+|[A-Za-z]+(?:[-_][A-Za-z]+)*)$/;

/**
 * Undefined where no route and no mount path is known. `baseUrl` is a path as it was sent: each segment that is no plain word may be an id,
 * and is shown as `*`. So is a route whose path is a pattern or a list.
 */
export function routeTemplateOf({ baseUrl, route }: Pick<Request, 'baseUrl' | 'route'>): string | undefined {
  const mounted = baseUrl === '' ? '' : baseUrl.split('/').map(maskSegment).join('/');
  if (route === undefined) return baseUrl === '' ? undefined : `${mounted}/*`;
  const path: unknown = route.path;
  if (path === '/' && baseUrl !== '') return mounted;
  return `${mounted}${typeof path === 'string' ? path : '/*'}`;
}

function maskSegment(segment: string): string {
  return segment === '' || wordPattern.test(segment) ? segment : '*';
}
