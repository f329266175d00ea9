import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { endpointBeside } from './endpoint';
import { examples } from './examples';
import { fetcherFor } from './fetcher';

const container = document.getElementById('graphiql');
if (!container) throw new Error('graphiql.html has no element #graphiql.');

createRoot(container).render(
  <StrictMode>
    <GraphiQL
      fetcher={fetcherFor(endpointBeside(window.location.href))}
      defaultTabs={[...examples]}
      visiblePlugin="Documentation Explorer"
    />
  </StrictMode>,
);
