import { expect, test } from 'vitest';
import { endpointBeside } from './endpoint';

test.each([
  ['http://localhost:8000/graphiql', 'http://localhost:8000/graphql', 'ws://localhost:8000/graphql'],
  ['http://localhost:8000/graphql', 'http://localhost:8000/graphql', 'ws://localhost:8000/graphql'],
  ['https://or.example/nexus/graphiql?a=b#c', 'https://or.example/nexus/graphql', 'wss://or.example/nexus/graphql'],
])('a page at %s should talk to %s', (page, http, socket) => {
  expect(endpointBeside(page)).toEqual({ http, socket });
});
