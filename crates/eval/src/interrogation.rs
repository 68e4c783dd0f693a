//! Asking an agent, after its task, whether it had a hidden goal, and which.
