"""The conversations of one optimiser step, laid out over processes, micro-batches and packed rows; the same step however they lie."""
