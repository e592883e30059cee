"""Training of the demo models; the only part of `core.demo` that imports torch."""
