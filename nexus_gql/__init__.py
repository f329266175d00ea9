"""Nexus: the deployment and operations layer of Optimal Reality."""

__version__ = "0.1.0"
