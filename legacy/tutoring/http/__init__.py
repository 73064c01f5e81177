"""The REST surface: edge rules, order of checks, routes (contract rest.md, G9-G16)."""
