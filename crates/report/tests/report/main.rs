//! What every page and every plot promises, whatever the data.
//!
//! * `markup`: reads what was drawn, and fails if it is not well-formed.
//! * `plots`: coordinates are numbers inside the view box, for any data.
//! * `pages`: text is escaped, nothing is loaded, the same page gives the same bytes.

mod markup;
mod pages;
mod plots;
