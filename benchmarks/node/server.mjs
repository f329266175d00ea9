// The baseline of another ecosystem: graphql-ws on ws, the same schema. `publish N` on stdin: N changes in one turn.
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';

const names = Array.from({ length: 12 }, (_, n) => `f${n}`);
const made = (n) => Object.fromEntries(names.map((name) => [name, String(n).padStart(75, '0')]));
const text = { type: GraphQLString };
const Change = new GraphQLObjectType({ name: 'Change', fields: Object.fromEntries(names.map((name) => [name, text])) });
const readers = new Set();

async function* changes() {
  const reader = { queue: [made(0)], wake: () => {} };
  readers.add(reader);
  try {
    for (;;) {
      while (reader.queue.length > 0) yield { changes: reader.queue.shift() };
      await new Promise((wake) => { reader.wake = wake; });
    }
  } finally {
    readers.delete(reader);
  }
}

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { none: text } }),
  subscription: new GraphQLObjectType({ name: 'Subscription', fields: { changes: { type: Change, subscribe: changes } } }),
});
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/graphql', backlog: 4096 });
useServer({ schema }, server);
server.on('listening', () => console.log(server.address().port));
let count = 0;
createInterface({ input: process.stdin })
  .on('line', (line) => {
    for (let n = Number(line.split(' ')[1]); n > 0; n -= 1) {
      count += 1;
      for (const reader of readers) {
        reader.queue.push(made(count));
        reader.wake();
      }
    }
  })
  .on('close', () => process.exit(0));
