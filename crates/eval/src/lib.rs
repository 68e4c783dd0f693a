//! runs tasks against a model, judges, and counts what happened
