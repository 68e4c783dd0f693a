//! Reads a Model Spec as data: sections, rules, placeholders, spans, diagnostics.
//!
//! A Model Spec is the Markdown document that says how an assistant should be, and why. Everything
//! that ethos teaches comes out of one, so this crate makes it addressable to the byte. Parsing
//! cannot fail: any text is a spec, and what looks wrong is a [`Diagnostic`].
//!
//! The principal types, and how they meet:
//!
//! * A [`Spec`] owns the text. Whatever it finds is a [`Span`] of that text, so that a document or a
//!   quote can always be traced back; [`Spec::slice`] reads a span, [`Spec::find_quote`] finds one.
//! * [`Section`]s are the tree of headings. Together with the front matter they tile the text.
//! * [`Rule`]s are the numbered demands, written `- SP1: …` or `### SP1: …`, with their parts and the
//!   sentences that give their reasons. A [`Reference`] is any other place that names one.
//! * A [`Persona`] fills the [`Placeholder`]s, `{assistant_name}` and its like.
//! * [`Kind`] tells prose from rules, [`Coverage`] counts what documents speak of, and what not.
//!
//! ```
//! use ethos_spec::{Code, Coverage, Kind, Persona, Spec};
//!
//! let spec = Spec::parse(concat!(
//!     "# How {assistant_name} behaves\n\n",
//!     "## Honesty\n\n",
//!     "- H1: {assistant_name} never lies, because people act on what it says.\n",
//!     "  - Jokes that both sides understand are fine.\n",
//!     "- H2: It admits mistakes when asked. See H1 and H3.\n",
//! ));
//!
//! let titles: Vec<_> = spec.walk().map(|(depth, section)| (depth, &*section.title)).collect();
//! assert_eq!(titles, [(0, "How {assistant_name} behaves"), (1, "Honesty")]);
//!
//! let rule = &spec.rules()[0];
//! assert_eq!(rule.id, "H1");
//! assert_eq!(spec.slice(rule.parts[0]), "Jokes that both sides understand are fine.");
//! assert!(rule.has_reason());
//! assert_eq!(spec.kind(), Kind::Rules, "{}", spec.shape());
//!
//! // H2 speaks of a rule that does not exist.
//! let wrong = spec.diagnostics().iter().find(|d| d.code == Code::MissingRule).unwrap();
//! assert_eq!((spec.slice(wrong.span), wrong.at.line), ("H3", 7));
//!
//! // Quotes are found whatever the line breaks, and counted.
//! let quote = spec.find_quote("people act on\nwhat it says").unwrap();
//! let mut coverage = Coverage::of(&spec);
//! coverage.add(quote);
//! let silent: Vec<_> = coverage.uncovered().map(|span| spec.slice(span)).collect();
//! assert_eq!(silent.len(), 3);
//!
//! let spec = spec.fill(&Persona::new("Aria"))?;
//! assert_eq!(spec.title(), Some("How Aria behaves"));
//! # Ok::<(), ethos_spec::Error>(())
//! ```

mod span;
mod spec;

mod placeholder;
mod rule;
mod section;

mod coverage;
mod diagnostic;
mod kind;

mod error;

// How the above are found; nothing of it is public.
mod check;
mod cue;
mod quote;
mod scan;
mod sentence;

pub use crate::{
    coverage::{Coverage, Spoken},
    diagnostic::{Code, Diagnostic, Severity},
    error::{Error, Result},
    kind::{Kind, Shape},
    placeholder::{Persona, Placeholder},
    rule::{Reference, Rule, RuleForm},
    section::{Section, Walk},
    span::{Position, Span},
    spec::Spec,
};
