"""Training of the demo models; the only part of `cliploc.core.demo` that imports torch."""
