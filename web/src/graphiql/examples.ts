/** What someone sees who opens the page for the first time: one tab each. Later the page remembers their own tabs. */
export const examples: readonly { readonly query: string; readonly variables?: string }[] = [
  {
    query: `query ServerInfo {
  serverInfo {
    version
  }
}
`,
  },
  {
    query: `query Viewer {
  viewer {
    name
    role
  }
}
`,
  },
  {
    query: `subscription Clusters {
  clusters {
    kind
    complete
  }
}
`,
  },
];
