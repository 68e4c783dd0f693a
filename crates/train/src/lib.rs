//! trains and runs Llama-style transformers on burn
