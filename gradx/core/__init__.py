"""Core: ops, the dispatch of operations to runs, and cotangents."""
