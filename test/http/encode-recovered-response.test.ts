// A response that somebody gives for a request whose outcome is unknown.
import { encodeRecoveredResponse, type RecoveredResponse } from '@onceguard/core/http';
import { expect, it } from 'vitest';

const recovered: RecoveredResponse = {
  status: 201,
  headers: { 'Content-Type': 'application/json', Location: '/orders/1' },
  body: '{"charge":"ch_1"}',
};

it.each<[string, RecoveredResponse]>([
  ['a status', { ...recovered, status: 700 }],
  ['a header', { ...recovered, headers: { Location: '/orders/1\n' } }],
])('encodeRecoveredResponse rejects %s that could not be sent', (_what, response) => {
  expect(() => encodeRecoveredResponse(response)).toThrow(expect.objectContaining({ code: 'option_invalid' }));
});
