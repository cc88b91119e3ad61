"""Our models against crowd-kit's: CPU, memory, growth, and accuracy on real sets."""
