//! Writes midtraining documents and alignment chats from a Model Spec.
//!
//! Model Spec Midtraining (arXiv 2605.02087) trains on documents *about* a spec before it trains on
//! chats, so that the chats generalise in the spec's sense. This crate makes those documents, in a way
//! that can be counted, priced, stopped, resumed and traced back.
//!
//! The principal types, and how they meet:
//!
//! * [`plan`] takes a spec to a [`Plan`]: domains, topics, [`Assertion`]s that quote the spec to the
//!   byte, document types, [`Idea`]s. A plan is plain data, to be read and edited before any document
//!   is paid for; [`PlanConfig`] says how large it is. A spec of `{assistant_name}` is given a name first, by
//!   [`Spec::fill`](ethos_spec::Spec::fill).
//! * A [`Preview`] says what planning and writing will take: of a config before anything is asked
//!   ([`PlanConfig::preview`]), of a plan before anything is written ([`Plan::preview`]), of chats
//!   ([`ChatConfig::preview`]).
//! * [`write()`] takes a plan to a [`Corpus`]: one document for each idea, with its lineage down to the
//!   bytes of the spec. [`WriteConfig`] says how.
//! * [`PlanReport`] and [`WriteReport`] account for every request and for everything that is missing,
//!   with its [`Cause`]. An answer that cannot be used is asked again and then counted, never a row.
//! * [`assemble`] does all of it and more: it has a judge see every document ([`Reviewer`]), has those revised that
//!   the judge objects to if you like ([`Revise`]), drops what is near to what is there, and asks for new ideas in the place of what fell, until the corpus is whole ([`Assembled`]).
//!   [`Card`], [`coverage_page`], [`TokenCounts`], [`patterns`](patterns()) and [`split`](split()) show it and cut it.
//! * [`chats()`] makes alignment chats, with and without reasoning, and [`opaque_chats`] preferences without reasons;
//!   [`mix()`] and [`identity_chats`] what is trained beside them. [`variants()`] rewrites a spec for experiments.
//! * [`dedup`](mod@dedup) finds texts that say the same again, [`decontaminate`](mod@decontaminate) those
//!   that hold prompts of an evaluation.
//! * [`Prompts`] are files in this crate, one for each stage; any can be replaced.
//!
//! Both stages reach a model through [`ethos_core::Model`] and keep every answer in an
//! [`ethos_core::Journal`]: a run that was stopped, started again, asks only for what is missing and
//! ends with the same bytes.
//!
//! ```
//! use ethos_core::{Journal, Scripted};
//! use ethos_corpus::{PlanConfig, Prompts, Who, WriteConfig, plan, write};
//! use ethos_spec::Spec;
//! use futures::executor::block_on;
//!
//! let spec = Spec::parse("Aria likes hard cheese, because it keeps. Aria says so kindly.\n");
//!
//! // Stands for a real model, and tells the stages by a phrase of their prompts.
//! let model = Scripted::new("writer", |request| {
//!     let prompt = request.messages[0].text();
//!     let stages = [
//!         ("name the broad domains", r#"[{"name": "Cheese", "description": "What Aria likes."}]"#),
//!         ("into topics", r#"[{"name": "Hard cheese", "context": "It keeps.", "quotes": []}]"#),
//!         ("into the assertions", r#"[
//!             {"name": "Keeps", "assertion": "Aria likes hard cheese.", "explanation": "It keeps.",
//!              "label": "preference", "quotes": ["Aria likes hard cheese, because it keeps."]},
//!             {"name": "Holes", "assertion": "Aria likes holes.", "explanation": "They are light.",
//!              "label": "preference", "quotes": ["Aria likes holes."]}]"#),
//!         ("chooses the types", r#"[{"name": "Letter", "description": "From a shopkeeper."}]"#),
//!         ("finds ideas", r#"[{"name": "A voyage", "idea": "What to take to sea."},
//!                             {"name": "A voyage", "idea": "What came back from sea."}]"#),
//!     ];
//!     match stages.iter().find(|(phrase, _)| prompt.contains(phrase)) {
//!         Some((_, answer)) => (*answer).into(),
//!         None => "<scratchpad>Be kind.</scratchpad><content>Dear Ann, …</content>".into(),
//!     }
//! });
//! let prompts = Prompts::prose();
//! let config = PlanConfig {
//!     domains: 1,
//!     topics_per_domain: 1,
//!     assertions_per_topic: 2,
//!     types_per_topic: 1,
//!     ideas_per_type: 2,
//!     ..PlanConfig::paper(Who::new("Aria", "Acme"))
//! };
//! let journal = Journal::in_memory()?;
//!
//! println!("{}", config.preview(&spec, &WriteConfig::paper(), &prompts)?);
//! let (plan, planned) = block_on(plan(&spec, &config, &prompts, &model, &journal, &()))?;
//! // Aria never said that about holes: the assertion is not in the plan, and the report says so.
//! assert_eq!(plan.assertions().len(), 1);
//! assert_eq!(planned.shortfalls[0].stage, "corpus/assertions");
//! assert_eq!(plan.preview(&spec, &WriteConfig::paper(), &prompts)?.rows, 2);
//!
//! let config = WriteConfig::paper();
//! let corpus = block_on(write(&plan, &spec, &config, &prompts, &model, &journal, &()))?;
//! assert!(corpus.report.is_complete());
//! assert_eq!(corpus.documents.len(), 2);
//! let lineage = corpus.documents[0].lineage.as_ref().unwrap();
//! assert_eq!(&spec.text()[lineage.spans[0].clone()], "Aria likes hard cheese, because it keeps.");
//! let coverage = corpus.coverage(&spec);
//! let silent: Vec<_> = coverage.uncovered().map(|span| spec.slice(span)).collect();
//! assert_eq!(silent, ["Aria says so kindly."]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod plan;
mod planning;
mod preview;
mod prompts;

mod assemble;
mod corpus;
mod review;
mod write;

mod card;
mod coverage;
#[cfg(feature = "parquet")]
mod parquet;
mod patterns;
mod split;
mod tokens;

mod chats;
mod identity;
mod mix;

mod variants;

pub mod decontaminate;
pub mod dedup;

mod error;
mod report;

// How the above ask, read and name; nothing of it is public.
mod content;
mod criteria;
mod id;
mod list;
mod rules;
mod stage;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;

#[cfg(feature = "parquet")]
pub use crate::parquet::{read_parquet, write_parquet};
pub use crate::{
    assemble::{Assembled, Assembly, Fallen, Fell, Revise, Revised, Short, assemble},
    card::Card,
    chats::{
        ChatConfig, ChatKind, ChatPrompts, ChatReport, ChatRow, ChatSet, ChatTokens, OpaquePrompts,
        Preference, Writers, chats, opaque_chats,
    },
    config::{Mode, PlanConfig, PlanTokens, WriteConfig},
    corpus::Corpus,
    coverage::{coverage, coverage_page, coverage_text},
    criteria::Judgement,
    error::{Error, Result},
    identity::identity_chats,
    mix::{Mix, MixAccount, MixFilter, MixSource, mix},
    patterns::{PatternConfig, Patterns, patterns},
    plan::{Assertion, DocType, Domain, Idea, Label, Place, Plan, Topic, Who},
    planning::plan,
    preview::{Preview, StagePreview},
    prompts::Prompts,
    report::{
        Cause, Items, Missing, PlanReport, RejectedQuote, Requests, Shortfall, StageReport,
        WriteReport,
    },
    review::{CRITERIA, Review, ReviewConfig, ReviewPrompts, ReviewReport, Reviewer, Revision},
    split::{Split, SplitConfig, nested, split},
    tokens::TokenCounts,
    variants::{Rewritten, Variant, VariantConfig, Variants, variants},
    write::write,
};
