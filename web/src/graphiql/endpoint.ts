export interface Endpoint {
  readonly http: string;
  readonly socket: string;
}

/** The endpoint is `graphql` beside the page, whatever prefix a proxy has put before both. */
export function endpointBeside(page: string): Endpoint {
  const http = new URL('graphql', page);
  const socket = new URL(http);
  socket.protocol = http.protocol === 'https:' ? 'wss:' : 'ws:';
  return { http: http.href, socket: socket.href };
}
