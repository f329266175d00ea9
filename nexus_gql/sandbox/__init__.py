"""A simulated Kubernetes cluster over HTTP on loopback, in a process of its own; it imports no other room."""
