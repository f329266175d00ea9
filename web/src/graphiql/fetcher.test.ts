import { expect, test } from 'vitest';
import { connectionParams } from './fetcher';

test('the token should go into the connection, however its header is written, and no other header should', () => {
  expect(connectionParams({ 'X-Trace': '1', authorization: 'Bearer abc' })).toEqual({ Authorization: 'Bearer abc' });
});

test.each([undefined, {}, { 'X-Trace': '1' }, { Authorization: 7 }])(
  'without a token (%j) nothing should go',
  (headers) => {
    expect(connectionParams(headers)).toBeUndefined();
  },
);
