import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // Addresses relative to the page: it is served at more than one path, and behind a proxy under a prefix nobody knows here.
  base: './',
  plugins: [react()],
  build: {
    outDir: '../nexus_gql/server/web',
    emptyOutDir: true,
    // Files, not data: addresses, so that what is ours needs no exception in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // The packages inside ask that their notices go along; the wheel carries this folder.
    license: { fileName: 'licenses.md' },
    // Monaco, which GraphiQL loads at once, is one large chunk whatever we do.
    chunkSizeWarningLimit: 5000,
    rolldownOptions: { input: ['graphiql.html'] },
  },
});
