//! Chat templates against `transformers`, and their masks; `templates/make.py` made what is expected.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "templates/fixtures.rs"]
mod fixtures;
#[path = "templates/masks.rs"]
mod masks;
#[path = "templates/properties.rs"]
mod properties;
#[path = "templates/rendering.rs"]
mod rendering;
