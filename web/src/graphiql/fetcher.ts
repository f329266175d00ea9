import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import type { Endpoint } from './endpoint';

interface ConnectionParams extends Record<string, unknown> {
  readonly Authorization: string;
}

/**
 * A browser cannot set headers on a WebSocket, so the token that the user typed for HTTP goes into the connection's first
 * message; nothing else of the headers does.
 */
export function connectionParams(headers: Readonly<Record<string, unknown>> = {}): ConnectionParams | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'authorization' && typeof value === 'string') return { Authorization: value };
  }
  return undefined;
}

/** Each subscription has a connection of its own: a shared one would keep the token that it was opened with. */
export function fetcherFor(endpoint: Endpoint): Fetcher {
  return (params, options) => {
    const wsClient = createClient({
      url: endpoint.socket,
      connectionParams: () => connectionParams(options?.headers),
    });
    return createGraphiQLFetcher({ url: endpoint.http, wsClient })(params, options);
  };
}
