//! Tasks in which an agent may have a hidden goal.
