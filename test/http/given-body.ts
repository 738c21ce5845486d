// A request body as a test gives it, and what can be compared of it.
import { type RequestBody, toComparableBody } from '../../packages/core/src/http/comparable-body.js';

export type GivenBody = Partial<Omit<RequestBody, 'headers'>> & { readonly headers?: RequestBody['headers'] };

/** What can be compared of a body of this media type. It was read to its end unless the test says otherwise. */
export function describeGiven(
  mediaType: string,
  { headers, ...given }: GivenBody,
): ReturnType<typeof toComparableBody> {
  const type = mediaType === '' ? {} : { 'content-type': mediaType };
  return toComparableBody({
    headers: { 'content-length': '14', ...type, ...headers },
    hasBody: true,
    readableEnded: true,
    parsedBody: undefined,
    ...given,
  });
}
